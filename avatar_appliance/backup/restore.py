"""Restoring a backup: everything is unpacked and proved beside what is there, then both change places."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from avatar_appliance.config import load_settings
from avatar_appliance.models.disk import sync
from avatar_appliance.models.progress import SILENCE, FetchProgress
from avatar_appliance.store import AUDIO_FOLDER, DATABASE_FILE, Database
from avatar_appliance.store.schema import load_migrations

from .archive import Contents, Nowhere, read_archive
from .container import unsealed
from .contents import ASIDE_PREFIX, CONFIG, RESTORED_CONFIG, STATE
from .create import IDENTITY_FILE
from .errors import BackupTooNew, disk_errors_of
from .manifest import BackupHeader
from .ownership import owned_like
from .restore_swap import Move, roll_back, swap, work_folder
from .room import require_room
from .state_lock import one_backup, state_in_use

Passphrase = Callable[[], str | None]
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What a restore did."""

    contents: Contents
    aside: Path | None
    """Where what was there before is kept; None where nothing was."""
    config: Path | None
    """Where the configuration of the backup is."""
    migrated_from: int | None
    """The schema version that the history had, where it was brought to that of this version."""


def check_backup(file: Path, passphrase: Passphrase, progress: FetchProgress = SILENCE) -> Contents:
    """Read a whole backup and return what is in it.

    Raises BackupFailed, BackupDamaged, BackupUnsafe, BackupTooNew, PassphraseNeeded, PassphraseWrong.
    """
    with disk_errors_of(file, "the backup cannot be read"), file.open("rb") as opened:
        progress.step(f"{file.name}: checking", None)
        with unsealed(opened, passphrase) as stream:
            contents = read_archive(stream, Nowhere(), progress.at)
    require_known_schema(contents.header)
    return contents


def restore_backup(
    file: Path,
    state_dir: Path,
    passphrase: Passphrase,
    progress: FetchProgress = SILENCE,
    *,
    config_file: Path | None = None,
    keep_identity: bool = True,
) -> RestoreReport:
    """Put a backup in the place of what is in `state_dir`; what was there is kept in a folder beside it.

    The configuration of the backup comes into `restored-config`; with `config_file` it also replaces that file, once it
    was found right. `keep_identity`: this machine becomes to Home Assistant the one that was backed up.
    Raises ApplianceRunning, BackupBusy, what `check_backup` raises, DatabaseDamaged, ConfigError, DiskFull; whatever it
    raises, and whenever it is killed, what was there is there again. Call it where no event loop runs.
    """
    with (
        one_backup(state_dir),
        state_in_use(state_dir),
        disk_errors_of(state_dir, "the backup cannot be restored"),
    ):
        roll_back(state_dir)
        work = work_folder(state_dir)
        try:
            unpacked = _Unpacked(state_dir, work / "new", keep_identity=keep_identity)
            contents = _unpack(file, passphrase, unpacked, progress)
            migrated_from = _prove_database(unpacked.folder / DATABASE_FILE)
            _keep_recordings(unpacked.folder, state_dir)
            aside = _free_folder(state_dir)
            moves = [*_state_moves(unpacked.folder, state_dir, work / "old")]
            staged = _config_of(unpacked.folder)
            if config_file is not None and staged is not None:
                moves.append(_config_move(staged, config_file, aside.name))
            _settle(unpacked.folder, state_dir)
            swap(state_dir, moves, aside)
        except BaseException:
            roll_back(state_dir)
            raise
    kept: Path | None = aside
    if not any(aside.iterdir()):
        aside.rmdir()
        kept = None
    return RestoreReport(
        contents=contents,
        aside=kept,
        config=None if staged is None else config_file or _config_of(state_dir),
        migrated_from=migrated_from,
    )


def require_known_schema(header: BackupHeader) -> None:
    """Raise BackupTooNew for a history that this version cannot read."""
    newest = load_migrations()[-1].version
    if header.schema_version > newest:
        raise BackupTooNew(
            f"the history in the backup has schema version {header.schema_version} (of {header.appliance_version}), "
            f"this version knows {newest}"
        )


class _Unpacked:
    """Takes the members of an archive into a folder."""

    def __init__(self, state_dir: Path, folder: Path, *, keep_identity: bool) -> None:
        self.folder = folder
        self._state_dir = state_dir
        self._keep_identity = keep_identity
        folder.mkdir(mode=0o700, parents=True)

    def begin(self, header: BackupHeader) -> None:
        require_known_schema(header)
        require_room(self._state_dir, header.payload_bytes, "The restored state")

    def open(self, name: str, size_bytes: int) -> BinaryIO | None:
        if name == f"{STATE}{IDENTITY_FILE}" and not self._keep_identity:
            return None
        below = name.removeprefix(STATE) if name.startswith(STATE) else f"{RESTORED_CONFIG}/{name.removeprefix(CONFIG)}"
        require_room(self._state_dir, size_bytes, "The restored state")
        path = self.folder / below
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "wb")


def _unpack(file: Path, passphrase: Passphrase, unpacked: _Unpacked, progress: FetchProgress) -> Contents:
    with file.open("rb") as opened:
        progress.step(f"{file.name}: unpacking and checking", None)
        with unsealed(opened, passphrase) as stream:
            return read_archive(stream, unpacked, progress.at)


def _prove_database(path: Path) -> int | None:
    """Open the history as the appliance does, which checks and migrates it; return the version it had before that."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        before = int(database.execute("PRAGMA user_version").fetchone()[0])

    async def open_it() -> None:
        async with Database.open(path):
            pass

    asyncio.run(open_it())
    return before if before != load_migrations()[-1].version else None


def _keep_recordings(new: Path, state_dir: Path) -> None:
    """Where the backup has no recordings, link those that are here and belong to its turns.

    The folder that is there goes aside with the rest: a start would delete from it what the restored history does not
    know.
    """
    database, audio = new / DATABASE_FILE, new / AUDIO_FOLDER
    if not database.exists() or audio.exists():
        return
    audio.mkdir(mode=0o700)
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for (name,) in connection.execute("SELECT audio_file FROM stages WHERE audio_file IS NOT NULL"):
            here = state_dir / AUDIO_FOLDER / name
            if Path(name).name == name and here.is_file() and not here.is_symlink():
                os.link(here, audio / name)
    for suffix in _BESIDE_A_DATABASE:
        (new / f"{DATABASE_FILE}{suffix}").unlink(missing_ok=True)


def _state_moves(new: Path, state_dir: Path, old: Path) -> Iterator[Move]:
    """Yield a move for each thing that the backup has, and for what SQLite keeps beside a database it replaces."""
    for path in sorted(new.iterdir()):
        yield Move(state_dir / path.name, old / path.name, path)
        for suffix in _BESIDE_A_DATABASE:
            if (state_dir / f"{path.name}{suffix}").exists():
                yield Move(state_dir / f"{path.name}{suffix}", old / f"{path.name}{suffix}", None)


def _config_of(folder: Path) -> Path | None:
    path = folder / RESTORED_CONFIG / "config.yaml"
    return path if path.exists() else None


def _config_move(staged: Path, config_file: Path, aside_name: str) -> Move:
    """Put the restored configuration beside the one in force, with its owner and mode; raises ConfigError."""
    load_settings(staged)
    draft = config_file.with_name(f".{config_file.name}.restoring")
    shutil.copyfile(staged, draft)
    if config_file.exists():
        shutil.copymode(config_file, draft)
        owned_like(config_file, draft)
    sync(draft)
    return Move(config_file, config_file.with_name(f"{config_file.name}.{aside_name}"), draft)


def _settle(new: Path, state_dir: Path) -> None:
    """Give everything the owner of the state folder, and have all of it on the disk."""
    for folder, _, files in os.walk(new, topdown=False):
        for path in (*(Path(folder) / name for name in files), Path(folder)):
            owned_like(state_dir, path)
            path.chmod(0o700 if path.is_dir() else 0o600)
            sync(path)


def _free_folder(state_dir: Path) -> Path:
    stem = f"{ASIDE_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    path, number = state_dir / stem, 1
    while path.exists():
        number += 1
        path = state_dir / f"{stem}-{number}"
    return path
