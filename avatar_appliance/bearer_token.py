"""A bearer token: made once, shown once, kept as a hash."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from avatar_appliance.errors import ConfigError

_log = logging.getLogger(__name__)

TOKEN_PREFIX = "avatar_"  # noqa: S105 - lets people and secret scanners recognise a leaked token
MIN_CONFIGURED_CHARS = 16

_HASH = re.compile(r"[0-9a-f]{64}\n?")
_USABLE = re.compile(r"[!-~]+")  # what an Authorization header can carry
_Signature = tuple[int, int, int]


class BearerToken:
    """Verifies one token: that of the configuration, else the one whose hash is in a file.

    The file is looked at anew when it changes, so a token renewed by another process takes effect at once.
    """

    def __init__(self, path: Path, configured: SecretStr | None, *, setting: str, renewal: str) -> None:
        """Use the configured token if there is one; nothing is read or written yet.

        `setting` is its key in the configuration and `renewal` the command that makes a new one, for messages.
        Raises ConfigError for a configured token that is too short or that no header can carry.
        """
        self._path = path
        self._setting = setting
        self._renewal = renewal
        self._configured = None if configured is None else _digest(_checked(configured.get_secret_value(), setting))
        self._kept: bytes | None = None
        self._signature: _Signature | None = None

    @property
    def exists(self) -> bool:
        """Whether a token was made already, or is configured."""
        return self._configured is not None or self._path.exists()

    def ensure(self) -> str | None:
        """At start: make the token if there is none, and return it for the only time it can be shown.

        Returns None when there is one already. Raises ConfigError when the state folder cannot be written.
        """
        if self.exists:
            if self._expected() is None:
                _log.warning("%s holds no usable hash, so no token is accepted: run `%s`", self._path, self._renewal)
            return None
        token = _new_token()
        return token if self._keep(token, replace=False) else None

    def renew(self) -> str:
        """Make a new token and return it; the old one stops working at once.

        Raises ConfigError when the token comes from the configuration or cannot be kept.
        """
        if self._configured is not None:
            raise ConfigError(
                f"the token is set by `{self._setting}`, so there is none to renew",
                hint=f"Change `{self._setting}`, or remove it to have a random token made.",
            )
        token = _new_token()
        self._keep(token, replace=True)
        return token

    def verify(self, presented: bytes) -> bool:
        """Return whether this is the token; takes the same time for every wrong one."""
        expected = self._expected()
        return expected is not None and hmac.compare_digest(_digest(presented), expected)

    def _expected(self) -> bytes | None:
        if self._configured is not None:
            return self._configured
        try:
            found = self._path.stat()
            signature = (found.st_ino, found.st_mtime_ns, found.st_size)
            if signature != self._signature:
                self._kept = _parse(self._path.read_text("ascii"))
                self._signature = signature
        except (OSError, UnicodeDecodeError):
            # Taken away or unreadable: refuse everybody rather than trust what was true before.
            self._kept = self._signature = None
        return self._kept

    def _keep(self, token: str, *, replace: bool) -> bool:
        """Write the hash; without `replace`, return False where another process was first."""
        try:
            with _private_file_beside(self._path, f"{_digest(token.encode()).hex()}\n") as fresh:
                if replace:
                    fresh.replace(self._path)
                elif not _linked(fresh, self._path):
                    return False
            _sync_folder(self._path.parent)
        except OSError as error:
            raise ConfigError(
                f"the token cannot be kept in {self._path.parent}: {error.strerror}",
                hint="Make `paths.state_dir` a folder that the service's user can write.",
            ) from error
        return True


def _new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def _digest(token: bytes) -> bytes:
    # A plain hash is right here: slow hashes and salts defend secrets that can be guessed, and nobody guesses 256
    # random bits. A slow one would only make every request slow. (A configured token is never written at all.)
    return hashlib.sha256(token).digest()


def _parse(text: str) -> bytes | None:
    return bytes.fromhex(text.strip()) if _HASH.fullmatch(text) else None


def _checked(token: str, setting: str) -> bytes:
    if len(token) < MIN_CONFIGURED_CHARS or not _USABLE.fullmatch(token):
        raise ConfigError(
            f"{setting} must have at least {MIN_CONFIGURED_CHARS} printable ASCII characters and no space",
            hint=f"Remove `{setting}` to have a random one made, or use `openssl rand -base64 32`.",
        )
    return token.encode("ascii")


@contextlib.contextmanager
def _private_file_beside(path: Path, text: str) -> Iterator[Path]:
    """Give a complete file (mode 0600, on the disk) next to `path`; it is gone afterwards unless renamed."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _linked(fresh: Path, path: Path) -> bool:
    """Give the file its name, unless there is one of that name."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
