"""Who has the state folder: the appliance while it runs, or a restore; never both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from avatar_appliance.errors import AvatarError

from .errors import ApplianceRunning, BackupBusy, disk_errors_of
from .ownership import owned_like


@contextmanager
def state_in_use(state_dir: Path) -> Iterator[None]:
    """Have the state folder to oneself; the kernel lets go of it however this process ends.

    Raises ApplianceRunning where another process has it.
    """
    with _locked(state_dir / ".in-use.lock", ApplianceRunning(f"{state_dir} is in use by another process")):
        yield


@contextmanager
def one_backup(state_dir: Path) -> Iterator[None]:
    """Be the only backup or restore of the state folder; raises BackupBusy."""
    with _locked(state_dir / ".backup.lock", BackupBusy("another backup or restore is under way")):
        yield


@contextmanager
def _locked(path: Path, refusal: AvatarError) -> Iterator[None]:
    with disk_errors_of(path.parent, "the state folder cannot be locked"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path, mode=0o600)
        try:
            lock.acquire(timeout=0)
            owned_like(path.parent, path)
        except Timeout:
            raise refusal from None
    try:
        yield
    finally:
        lock.release()
