"""The folder of WAV files that rows point at. A file is whole or not there, also after a power cut."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from avatar_appliance.errors import AudioTooLong, BadRequest, NotFound

from .errors import DiskFull, StoreUnavailable
from .turn import AudioDirection, AudioFile

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-f]{32}-(?:in|out)-[0-9a-f]{8}\.wav")
_TEMPORARY_NAME = re.compile(_NAME.pattern + r"\.part")
_MIB = 1024 * 1024


class AudioStore:
    """WAV files named after their turn, readable for the service's user only."""

    def __init__(self, folder: Path, *, max_file_bytes: int = 32 * _MIB, min_free_bytes: int = 256 * _MIB) -> None:
        """Use `folder` (made on first use); keep `min_free_bytes` of its disk free for everything else."""
        self.folder = folder
        self._max_file_bytes = max_file_bytes
        self._min_free_bytes = min_free_bytes

    async def write(
        self, turn_id: str, direction: AudioDirection, wav: bytes, *, duration_s: float | None = None
    ) -> AudioFile:
        """Store WAV bytes for a turn and return the file a row may point at.

        Raises BadRequest (not WAV), AudioTooLong (above the size limit), DiskFull, StoreUnavailable.
        """
        if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
            raise BadRequest("the audio of a turn is not a WAV file")
        if len(wav) > self._max_file_bytes:
            raise AudioTooLong(f"the audio has {len(wav)} bytes, {self._max_file_bytes} are allowed")
        name = f"{turn_id}-{direction}-{secrets.token_hex(4)}.wav"
        if not _NAME.fullmatch(name):
            raise BadRequest("this is not the id of a turn")
        await asyncio.to_thread(self._write, name, wav)
        return AudioFile(name, len(wav), duration_s)

    def path(self, name: str) -> Path:
        """Return where the file `name` lies; raises NotFound, also for names that are not ours."""
        path = self.folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NotFound("there is no such recording")
        return path

    def open(self, name: str) -> BinaryIO:
        """Return the file `name` opened for reading; raises NotFound."""
        try:
            return self.path(name).open("rb")
        except FileNotFoundError as error:
            raise NotFound("there is no such recording") from error

    async def delete(self, names: Collection[str]) -> int:
        """Delete files and return the bytes freed; what cannot be deleted is left to the next sweep."""
        return await asyncio.to_thread(self._delete, names) if names else 0

    async def names(self) -> frozenset[str]:
        """Return the names of all finished files; strangers' files in the folder are not ours to report."""
        return await asyncio.to_thread(self._names)

    async def delete_unfinished(self) -> int:
        """Delete temporary files a killed process left and return how many; only while nobody writes."""
        return await asyncio.to_thread(self._delete_unfinished)

    def _write(self, name: str, wav: bytes) -> None:
        temporary = self.folder / f"{name}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < self._min_free_bytes + len(wav):
                raise DiskFull("the disk of the audio folder is nearly full; the recording was not kept")
            try:
                descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(wav)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.rename(self.folder / name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            self._sync_folder()
        except OSError as error:
            raise StoreUnavailable(f"the recording cannot be written: {error.strerror}") from error

    def _sync_folder(self) -> None:
        """Make the rename itself survive a power cut."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _delete(self, names: Collection[str]) -> int:
        freed_bytes = 0
        for name in names:
            if not _NAME.fullmatch(name):
                continue
            path = self.folder / name
            try:
                size_bytes = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                _log.warning("a recording could not be deleted: %s", error.strerror)
                continue
            freed_bytes += size_bytes
        return freed_bytes

    def _names(self) -> frozenset[str]:
        try:
            return frozenset(name for name in os.listdir(self.folder) if _NAME.fullmatch(name))
        except FileNotFoundError:
            return frozenset()

    def _delete_unfinished(self) -> int:
        try:
            unfinished = [name for name in os.listdir(self.folder) if _TEMPORARY_NAME.fullmatch(name)]
        except FileNotFoundError:
            return 0
        for name in unfinished:
            (self.folder / name).unlink(missing_ok=True)
        return len(unfinished)
