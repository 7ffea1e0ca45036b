"""The folder of reference recordings: `<voice id>/reference-*.wav`, each whole or not there, also after a power cut.

A row points at a file before the older one goes, so a crash in between leaves a file too many and never one too few;
`sweep` takes those away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from avatar_appliance.errors import NotFound
from avatar_appliance.store.errors import DiskFull, StoreUnavailable

from .voice_index import INDEX_FILE, is_voice_id

_LOGGER = logging.getLogger(__name__)

_NAME = re.compile(r"reference-[0-9a-f]{8}\.wav")
_STAGING = ".incoming-"
_MIB = 1024 * 1024


class VoiceFiles:
    """Files for the service's user only. What is not async here waits for the disk: call it in a thread."""

    def __init__(self, folder: Path, *, min_free_bytes: int = 64 * _MIB) -> None:
        """Use `folder` (made on first use); keep `min_free_bytes` of its disk free for everything else."""
        self.folder = folder
        self._min_free_bytes = min_free_bytes

    @contextlib.asynccontextmanager
    async def staging(self) -> AsyncIterator[Path]:
        """Give a folder for files on their way in, which is gone afterwards; raises DiskFull, StoreUnavailable."""
        made = await asyncio.to_thread(self._stage)
        try:
            yield made
        finally:
            # Here and not in a thread: it is a file or two, and a cancellation must not leave them.
            shutil.rmtree(made, ignore_errors=True)

    def _stage(self) -> Path:
        with _translated():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < self._min_free_bytes:
                raise DiskFull("the disk of the voices is nearly full; nothing was kept")
            return Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.folder))

    def place(self, staged: Path, voice_id: str) -> str:
        """Move a staged file to where the voice's files are, and return its name; raises StoreUnavailable."""
        name = f"reference-{secrets.token_hex(4)}.wav"
        home = self._home(voice_id)
        with _translated():
            _sync(staged, os.O_RDONLY)
            staged.chmod(0o600)
            home.mkdir(mode=0o700, exist_ok=True)
            staged.rename(home / name)
            _sync(home, os.O_RDONLY | os.O_DIRECTORY)
            _sync(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        return name

    def path(self, voice_id: str, name: str) -> Path:
        """Return where the file lies; raises NotFound for a name that is not ours, not for a file that is not there."""
        if not _NAME.fullmatch(name):
            raise NotFound("there is no such recording")
        return self._home(voice_id) / name

    def open(self, voice_id: str, name: str) -> BinaryIO:
        """Return the file opened for reading; raises NotFound."""
        try:
            return self.path(voice_id, name).open("rb")
        except FileNotFoundError:
            raise NotFound("the recording is not there any more", hint="Record it again.") from None

    def delete(self, voice_id: str, name: str) -> None:
        """Delete one file and, with the last, its folder; what cannot be deleted is left to the next sweep."""
        path = self.path(voice_id, name)
        try:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other files are in it
                path.parent.rmdir()
        except OSError as error:
            _LOGGER.warning("a reference recording could not be deleted: %s", error.strerror)

    def sweep(self, known: Mapping[str, str], *, fresh: bool) -> frozenset[str]:
        """Delete what no profile in `known` (id to file name) owns; return the ids whose file is missing.

        A `fresh` database beside a full folder looks like a lost half of the store: nothing is deleted then.
        """
        try:
            found = list(self.folder.iterdir())
        except FileNotFoundError:
            found = []
        missing = frozenset(voice_id for voice_id, name in known.items() if not self.path(voice_id, name).is_file())
        foreign = [entry for entry in found if is_voice_id(entry.name) and entry.name not in known]
        if fresh and foreign:
            _LOGGER.warning("the database is new and there are %d voices on disk; nothing was swept", len(foreign))
            return missing
        for entry in found:
            if entry.name.startswith((_STAGING, f".{INDEX_FILE}-")) or entry in foreign:
                _remove(entry)
            elif entry.name in known and entry.is_dir():
                for file in entry.iterdir():
                    if file.name != known[entry.name]:
                        _remove(file)
        return missing

    def _home(self, voice_id: str) -> Path:
        if not is_voice_id(voice_id):
            raise NotFound("there is no such voice profile")
        return self.folder / voice_id


def _remove(entry: Path) -> None:
    try:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    except OSError as error:
        _LOGGER.warning("something left over in the folder of the voices could not be deleted: %s", error.strerror)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"the folder of the voices cannot be written: {error.strerror}") from error
