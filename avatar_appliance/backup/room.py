"""Room on a disk for a backup or for what is restored."""

from __future__ import annotations

from pathlib import Path

from avatar_appliance.models.disk import require_free
from avatar_appliance.models.errors import DiskFull

NO_ROOM = "Free some space, or name a folder on another disk; nothing was changed."


def require_room(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Raise DiskFull unless the disk of `folder` can take `needed_bytes` and a little more; OSError."""
    try:
        require_free(folder, needed_bytes, purpose)
    except DiskFull as error:
        raise DiskFull(error.text, hint=NO_ROOM) from None
