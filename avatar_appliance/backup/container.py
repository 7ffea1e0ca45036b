"""The one file of a backup: a plain tar.gz, or a tar that has it encrypted and says how to open it.

The encrypted file is made of age's standard parts (https://age-encryption.org), so that the usual `age` program opens
it (docs/decisions/0023): `key.age` is a fresh key, encrypted with the passphrase; `data.tar.gz.age` is encrypted for
that key.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import BinaryIO, cast

from .age_streams import DecryptedReader, EncryptedWriter
from .errors import BackupDamaged, PassphraseNeeded, PassphraseWrong
from .manifest import BackupHeader

PLAIN_SUFFIX = ".tar.gz"
ENCRYPTED_SUFFIX = ".age.tar"
README_NAME, ABOUT_NAME, KEY_NAME, DATA_NAME = "README.txt", "about.json", "key.age", "data.tar.gz.age"
MAX_PART_BYTES = 64 * 1024
README = b"""\
An encrypted backup of an AVATAR Appliance. `avatar restore` takes this file as it is.

Without the appliance, with the program age (https://age-encryption.org, in most distributions):

    tar -xf THIS_FILE
    age -d -i key.age data.tar.gz.age > data.tar.gz     # asks for the passphrase
    tar -xzf data.tar.gz                                # not from a stranger's file: it may hold anything

state/avatar.db is a SQLite database, state/audio and state/voices hold WAV files, manifest.json the sha256 of each.
"""
_GZIP = b"\x1f\x8b"
_BLOCK = tarfile.BLOCKSIZE


@contextmanager
def sealed(out: BinaryIO, header: BackupHeader, passphrase: str | None) -> Iterator[BinaryIO]:
    """Give a stream to write the tar.gz to; encrypted with the passphrase if there is one. `out` must be seekable."""
    if passphrase is None:
        yield out
        return
    from pyrage import passphrase as by_passphrase
    from pyrage import x25519

    identity = x25519.Identity.generate()
    key: bytes = by_passphrase.encrypt(f"{identity}\n".encode(), passphrase)
    about = json.loads(header.as_json()) | {"key_sha256": sha256(key).hexdigest()}
    parts = {README_NAME: README, ABOUT_NAME: json.dumps(about, indent=1).encode(), KEY_NAME: key}
    out.writelines(_tar_header(n, len(data), header) + data + bytes(-len(data) % _BLOCK) for n, data in parts.items())
    at = out.tell()
    out.write(bytes(_BLOCK))  # its header, once the size is known
    with EncryptedWriter(out, identity) as encrypted:
        yield encrypted  # type: ignore[misc]  # a RawIOBase is a BinaryIO in all but name
    size_bytes = out.tell() - at - _BLOCK
    out.write(bytes(-size_bytes % _BLOCK) + bytes(2 * _BLOCK))
    out.seek(at)
    out.write(_tar_header(DATA_NAME, size_bytes, header))


def _tar_header(name: str, size_bytes: int, header: BackupHeader) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size_bytes, 0o600, int(header.created_at.timestamp())
    return member.tobuf(tarfile.GNU_FORMAT)  # one block: also for more than 8 GiB


def is_encrypted(file: BinaryIO) -> bool:
    """Return whether the file (at its beginning, where it is left) is encrypted; raises BackupDamaged for neither."""
    start = file.read(_BLOCK)
    file.seek(0)
    if start.startswith(_GZIP):
        return False
    if start[: len(README_NAME)] == README_NAME.encode() and len(start) == _BLOCK:
        return True
    raise BackupDamaged("this is no backup of the appliance")


@contextmanager
def unsealed(file: BinaryIO, passphrase: Callable[[], str | None]) -> Iterator[BinaryIO]:
    """Give a stream to read the tar.gz from; `passphrase` is asked only where the file is encrypted.

    Raises PassphraseNeeded, PassphraseWrong, BackupTooNew, BackupDamaged; the last also while reading.
    """
    if not is_encrypted(file):
        yield file
        return
    parts, data = _parts(file)
    about = BackupHeader.from_json(parts[ABOUT_NAME])  # first: a newer format may have its key elsewhere
    key = parts[KEY_NAME]
    if json.loads(parts[ABOUT_NAME]).get("key_sha256") != sha256(key).hexdigest():
        raise BackupDamaged(f"the key of the backup of {about.created_at:%Y-%m-%d} is changed")
    import pyrage

    word = passphrase()
    if not word:
        raise PassphraseNeeded("the backup is encrypted")
    try:
        identity = pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(key, word).decode().strip())
    except pyrage.DecryptError as error:
        if "xcessive" in str(error):  # scrypt made for a machine far faster than this one
            raise BackupDamaged("the key asks for more work than this machine can do in reasonable time") from None
        raise PassphraseWrong("the passphrase does not open this backup") from None
    with DecryptedReader(data, identity) as decrypted:
        yield io.BufferedReader(decrypted)


def _parts(file: BinaryIO) -> tuple[dict[str, bytes], BinaryIO]:
    """Return the small parts, and the file at the begin of the large one, bounded to it."""
    small: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=file, mode="r:") as outer:
            for member in outer:
                if member.name == DATA_NAME and member.isreg() and {ABOUT_NAME, KEY_NAME} <= small.keys():
                    data = outer.fileobj
                    end = member.offset_data + member.size
                    file.seek(0, io.SEEK_END)
                    if data is not file or file.tell() < end:
                        raise BackupDamaged("the backup is cut off")
                    file.seek(member.offset_data)
                    return small, cast("BinaryIO", _Bounded(file, member.size))
                if not member.isreg() or member.size > MAX_PART_BYTES or member.name in small:
                    break
                reader = outer.extractfile(member)
                small[member.name] = reader.read() if reader else b""
    except (tarfile.TarError, EOFError) as error:
        raise BackupDamaged("the backup is cut off or changed") from error
    raise BackupDamaged("the backup is cut off or changed")


class _Bounded:
    """The next `size_bytes` of a file."""

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self._file = file
        self._left_bytes = size_bytes

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes of what is left."""
        data = self._file.read(self._left_bytes if size < 0 else min(size, self._left_bytes))
        self._left_bytes -= len(data)
        return data
