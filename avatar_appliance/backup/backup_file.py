"""Backup files in a folder: how they are called, and which of them may go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from avatar_appliance.models.disk import sync

from .container import ENCRYPTED_SUFFIX, PLAIN_SUFFIX
from .errors import BackupFailed

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"avatar-backup-(?P<machine>[0-9a-f]{8})-(?P<at>\d{8}T\d{6}Z)(?:-\d+)?"
    rf"(?:{re.escape(PLAIN_SUFFIX)}|{re.escape(ENCRYPTED_SUFFIX)})"
)


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A backup of a machine, by its name."""

    path: Path
    at: datetime


def backups_in(folder: Path, machine: str | None = None) -> list[BackupFile]:
    """Return the backups of `machine` (None: of any) in the folder, newest first; other files are not seen.

    Raises OSError.
    """
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and machine in (None, match["machine"]) and path.is_file() and not path.is_symlink():
            try:
                found.append(BackupFile(path, datetime.strptime(match["at"], _STAMP).replace(tzinfo=UTC)))
            except ValueError:  # such as a 31st of February: not written by us
                continue
    return sorted(found, key=lambda each: (each.at, each.path.name), reverse=True)


def prune(folder: Path, machine: str, *, keep: int | None, keep_days: float | None, now: datetime) -> list[Path]:
    """Delete backups of `machine` that are neither among the newest `keep` nor younger than `keep_days`.

    The newest always stays; with neither limit, all do. Returns what was deleted; raises OSError.
    """
    if keep is None and keep_days is None:
        return []
    newest = max(1, keep or 0)
    deleted = []
    for index, each in enumerate(backups_in(folder, machine)):
        young = keep_days is not None and now - each.at < timedelta(days=keep_days)
        if index >= newest and not young:
            each.path.unlink()
            deleted.append(each.path)
    return deleted


def delete_unfinished(folder: Path) -> None:
    """Delete what a killed backup left half-written; only while no other backup writes there."""
    for path in folder.glob(".avatar-backup-*.part"):
        if _NAME.fullmatch(path.name[1 : -len(".part")]):
            path.unlink(missing_ok=True)


def free_path(folder: Path, machine: str, at: datetime, *, encrypted: bool) -> Path:
    """Return where a new backup goes: a name that sorts by time and nobody has."""
    stem, suffix = f"avatar-backup-{machine}-{at:{_STAMP}}", ENCRYPTED_SUFFIX if encrypted else PLAIN_SUFFIX
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file that appears as `path`, readable for its owner only, once the block has ended well.

    Raises BackupFailed where there is a file of that name; OSError.
    """
    draft = path.with_name(f".{path.name}.part")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            raise BackupFailed(f"{path} is there already", hint="Give another name, or a folder.")
        draft.rename(path)
        sync(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
