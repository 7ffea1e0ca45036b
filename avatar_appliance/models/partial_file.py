"""A file that grows until it has the bytes it was promised to have."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from avatar_appliance.models.digest import CHUNK_BYTES
from avatar_appliance.models.disk import sync


class PartialFile:
    """What of a file is on the disk already, hashed as it grows; a context manager that keeps it open."""

    def __init__(self, path: Path, size_bytes: int, sha256: str) -> None:
        """Take over the bytes at `path`, if any; `size_bytes` and `sha256` are those of the whole."""
        self._path = path
        self._size_bytes = size_bytes
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self._have_bytes = 0
        self._stream: BinaryIO | None = None

    @property
    def have_bytes(self) -> int:
        """How many bytes are there."""
        return self._have_bytes

    @property
    def missing_bytes(self) -> int:
        """How many bytes are still to come."""
        return self._size_bytes - self._have_bytes

    def __enter__(self) -> Self:
        self._stream = self._path.open("a+b")
        self._stream.seek(0)
        while piece := self._stream.read(CHUNK_BYTES):
            self._digest.update(piece)
            self._have_bytes += len(piece)
        if self._have_bytes > self._size_bytes:
            self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stream is not None
        self._stream.close()
        if kind is None:
            sync(self._path)

    def restart(self) -> None:
        """Forget everything collected so far."""
        assert self._stream is not None
        self._stream.truncate(0)
        self._digest = hashlib.sha256()
        self._have_bytes = 0

    def append(self, piece: bytes) -> None:
        """Add bytes; raise ValueError instead of growing beyond the promised size."""
        assert self._stream is not None
        if len(piece) > self.missing_bytes:
            raise ValueError("more bytes than promised")
        self._stream.write(piece)
        self._digest.update(piece)
        self._have_bytes += len(piece)

    def is_whole(self) -> bool:
        """Tell whether these are the promised bytes."""
        return self.missing_bytes == 0 and self._digest.hexdigest() == self._sha256
