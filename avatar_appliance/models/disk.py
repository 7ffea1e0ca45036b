"""The disk below the cache: free space, and bytes that survive a power cut."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from avatar_appliance.models.errors import DiskFull

# A file system filled to the last block breaks other services of the box; leave them this much.
RESERVE_BYTES = 64 << 20


def require_free(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Raise DiskFull unless the file system of `folder` (which exists) can take `needed_bytes` more."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + RESERVE_BYTES:
        raise DiskFull(
            f"{purpose} needs {_megabytes(needed_bytes + RESERVE_BYTES)} on the disk of {folder}, "
            f"but only {_megabytes(free_bytes)} are free."
        )


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
