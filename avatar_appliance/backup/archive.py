"""The tar.gz inside a backup: written and read as a stream, every member with its sha256."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol

from .contents import CONFIG, STATE
from .errors import BackupDamaged, BackupUnsafe
from .manifest import (
    HEADER_NAME,
    MANIFEST_NAME,
    MAX_HEADER_BYTES,
    MAX_MANIFEST_BYTES,
    BackupHeader,
    Member,
    manifest_json,
    read_manifest,
)

_PIECE_BYTES = 1 << 18
_GZIP_LEVEL = 1  # recordings hardly shrink at any level, and a small box has better things to do


class ArchiveWriter:
    """Writes header, members and manifest; `finish` makes it whole."""

    def __init__(self, out: BinaryIO, header: BackupHeader, on_bytes: Callable[[int], None]) -> None:
        """Begin with the header; `on_bytes` hears the count of bytes taken in so far."""
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=out)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._mtime = header.created_at.timestamp()
        self._members: list[Member] = []
        self._on_bytes = on_bytes
        self._done_bytes = 0
        self._add(HEADER_NAME, io.BytesIO(header.as_json()), len(header.as_json()))

    @property
    def members(self) -> tuple[Member, ...]:
        """What was added, the header and the manifest not counted."""
        return tuple(member for member in self._members if member.name != HEADER_NAME)

    def add(self, name: str, source: BinaryIO, size_bytes: int) -> None:
        """Add the first `size_bytes` of a file; raises OSError where it has fewer."""
        self._add(name, source, size_bytes)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a small file."""
        self._add(name, io.BytesIO(data), len(data))

    def finish(self) -> None:
        """Add the manifest and the end."""
        data = manifest_json(self._members)
        self._tar.addfile(self._info(MANIFEST_NAME, len(data)), io.BytesIO(data))
        self._tar.close()
        self._gzip.close()

    def _add(self, name: str, source: BinaryIO, size_bytes: int) -> None:
        hashing = _Hashing(source, self._count)
        self._tar.addfile(self._info(name, size_bytes), hashing)
        self._members.append(Member(name, size_bytes, hashing.digest.hexdigest()))

    def _info(self, name: str, size_bytes: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size_bytes, 0o600, int(self._mtime)
        return info

    def _count(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        self._on_bytes(self._done_bytes)


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, source: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self.digest = sha256()
        self._source = source
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        self._on_bytes(len(data))
        return data


class Receiver(Protocol):
    """Where the members of an archive go while it is read."""

    def begin(self, header: BackupHeader) -> None:
        """Hear of the header before any member comes; may raise to refuse the backup."""

    def open(self, name: str, size_bytes: int) -> BinaryIO | None:
        """Return a file to write the member to (it is closed afterwards), or None to have it checked only."""


class Nowhere:
    """Takes nothing: the archive is only checked."""

    def begin(self, header: BackupHeader) -> None:
        """Be content with every header."""

    def open(self, name: str, size_bytes: int) -> None:
        """Want no member."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a whole and sound archive has."""

    header: BackupHeader
    members: tuple[Member, ...]


def read_archive(stream: BinaryIO, receiver: Receiver, on_bytes: Callable[[int], None]) -> Contents:
    """Read to the end, checking every hash, and return what is in it.

    Until this has returned, nothing the receiver got may be trusted. Raises BackupDamaged, BackupUnsafe, BackupTooNew,
    and what the receiver raises.
    """
    try:
        with gzip.GzipFile(fileobj=stream, mode="rb") as unzipped:
            contents = _read_members(unzipped, receiver, on_bytes)
            while unzipped.read(_PIECE_BYTES):  # to the checksum of the whole
                pass
        while stream.read(_PIECE_BYTES):
            pass
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, UnicodeError) as error:
        raise BackupDamaged("the backup is cut off or changed") from error
    return contents


def _read_members(unzipped: Any, receiver: Receiver, on_bytes: Callable[[int], None]) -> Contents:
    header: BackupHeader | None = None
    found: list[Member] = []
    names: set[str] = set()
    promised: tuple[Member, ...] | None = None
    done_bytes = 0

    def counting(more_bytes: int) -> None:
        nonlocal done_bytes
        done_bytes += more_bytes
        on_bytes(done_bytes)

    with tarfile.open(fileobj=unzipped, mode="r|") as tar:
        for info in tar:
            if promised is not None:
                raise BackupUnsafe("something comes after the manifest of the backup")
            reader = tar.extractfile(info) if info.type == tarfile.REGTYPE and not info.issparse() else None
            if reader is None:
                raise BackupUnsafe(f"the backup holds something that is no file: {info.name!r}")
            if header is None:
                data = _small(reader, info, HEADER_NAME, MAX_HEADER_BYTES)
                header = BackupHeader.from_json(data)
                found.append(Member(HEADER_NAME, len(data), sha256(data).hexdigest()))
                receiver.begin(header)
            elif info.name == MANIFEST_NAME:
                promised = read_manifest(_small(reader, info, MANIFEST_NAME, MAX_MANIFEST_BYTES))
            else:
                require_safe(info.name, names)
                names.add(info.name)
                found.append(_copied(reader, info.name, info.size, receiver, counting))
    if header is None or promised is None:
        raise BackupDamaged("the backup is cut off")
    if list(promised) != found:
        raise BackupDamaged(_difference(promised, found))
    return Contents(header, tuple(found[1:]))


def require_safe(name: str, taken: Collection[str]) -> None:
    """Raise BackupUnsafe unless `name` is one that a backup of ours can have: below `state/` or `config/`, no `..`."""
    path = PurePosixPath(name)
    strange = path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name or str(path) != name
    if strange or not name.startswith((STATE, CONFIG)) or len(path.parts) < 2 or name in taken:
        raise BackupUnsafe(f"the backup holds a file of a name that no backup has: {name!r}")


def _small(reader: Any, info: tarfile.TarInfo, name: str, max_bytes: int) -> bytes:
    if info.name != name or info.size > max_bytes:
        raise BackupDamaged("this is no backup of the appliance")
    data: bytes = reader.read()
    return data


def _copied(reader: Any, name: str, size_bytes: int, receiver: Receiver, on_bytes: Callable[[int], None]) -> Member:
    digest, done_bytes = sha256(), 0
    target = receiver.open(name, size_bytes)
    try:
        while piece := reader.read(_PIECE_BYTES):
            digest.update(piece)
            if target is not None:
                target.write(piece)
            done_bytes += len(piece)
            on_bytes(len(piece))
    finally:
        if target is not None:
            target.close()
    return Member(name, done_bytes, digest.hexdigest())


def _difference(promised: tuple[Member, ...], found: list[Member]) -> str:
    by_name = {member.name: member for member in promised}
    changed = [member.name for member in found if by_name.get(member.name) != member]
    missing = [member.name for member in promised if member.name not in {each.name for each in found}]
    return f"the backup is changed: {(changed + missing or ['its manifest'])[0]} is not what it was"
