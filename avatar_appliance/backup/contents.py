"""What of the state folder belongs into a backup.

Everything that is not listed here as dispensable: a file that a later version keeps there is backed up before anybody
thinks of it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from avatar_appliance.store import AUDIO_FOLDER

STATE = "state/"
"""Before the name, in the archive, of what lies in the state folder."""
CONFIG = "config/"
"""Before the name of what the owner wrote elsewhere: config.yaml and the files it names."""

BACKUP_FOLDER = "backups"
ASIDE_PREFIX = "before-restore-"
RESTORED_CONFIG = "restored-config"
# Copies of what is there already, at the top of the state folder.
_COPIES = re.compile(rf"{BACKUP_FOLDER}|{RESTORED_CONFIG}|{ASIDE_PREFIX}.*|avatar-backup-.*|before-upgrade\.(db|new)")
# Half-written files and locks, and what SQLite keeps beside a database: the copy of the database has it all.
_BY_PRODUCTS = re.compile(r"\..*|.*\.(part|tmp|lock)|.*-(wal|shm|journal)")
_SECRETS = re.compile(r".*(token|secret|password|passphrase|credential).*|.*\.(key|pem)", re.IGNORECASE)
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to put into a backup: its name in the archive, where it is, and whether it is a SQLite database."""

    name: str
    path: Path
    size_bytes: int
    is_database: bool = False


def state_sources(state_dir: Path, *, audio: bool, secrets: bool, without: Collection[Path] = ()) -> list[Source]:
    """Return the files of the state folder, sorted; recordings and secrets only if asked for.

    `without` are folders that hold something else (backups, caches), wherever they lie. Links, sockets and other files
    that are no files are passed over. Raises OSError.
    """
    excluded = {path.resolve() for path in without}
    found = []
    for path in _files(state_dir, excluded):
        relative = path.relative_to(state_dir)
        first = relative.parts[0]
        if _COPIES.fullmatch(first) or (first == AUDIO_FOLDER and not audio) or (is_secret(path.name) and not secrets):
            continue
        try:
            size_bytes, is_database = path.stat().st_size, _is_database(path)
        except FileNotFoundError:  # retention was quicker
            continue
        found.append(Source(f"{STATE}{relative.as_posix()}", path, size_bytes, is_database))
    return sorted(found, key=lambda source: (source.name.startswith(f"{STATE}{AUDIO_FOLDER}/"), source.name))


def is_secret(name: str) -> bool:
    """Return whether a file of that name holds a key to something, or the hash of one."""
    return _SECRETS.fullmatch(name) is not None


def _files(folder: Path, excluded: Collection[Path]) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _BY_PRODUCTS.fullmatch(entry.name):
                continue
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if path.resolve() not in excluded:
                    yield from _files(path, excluded)
            elif entry.is_file(follow_symlinks=False):
                yield path


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and file.read(len(_SQLITE)) == _SQLITE
