"""One process at a time at a thing in a folder, and what a folder refuses said in our words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import CacheUnwritable, DiskFull
from .progress import FetchProgress


@contextmanager
def locked_in(folder: Path, name: str, progress: FetchProgress, *, busy: str) -> Iterator[None]:
    """Hold `name` in `folder` against other processes; the kernel lets go of it however this one ends.

    Somebody else has it: says `busy` and waits. What the body meets on a full or read-only disk is raised as DiskFull
    or CacheUnwritable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.note(busy)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {folder} is full.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise CacheUnwritable(f"The folder {folder} cannot be written: {error.strerror}.") from error
        raise
