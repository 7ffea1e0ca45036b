"""Making a backup, while the appliance runs and writes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from avatar_appliance import __version__
from avatar_appliance.models.progress import SILENCE, FetchProgress
from avatar_appliance.store import AUDIO_FOLDER, DATABASE_FILE

from .archive import ArchiveWriter, Nowhere, read_archive
from .backup_file import delete_unfinished, free_path, written_whole
from .container import sealed, unsealed
from .contents import CONFIG, STATE, Source, state_sources
from .errors import BackupFailed, disk_errors_of
from .manifest import BackupHeader
from .restore_swap import roll_back
from .room import require_room
from .snapshot import snapshot
from .state_lock import one_backup

IDENTITY_FILE = "discovery-id"
_WORK_PREFIX = ".backup-"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRequest:
    """What to back up, and where to."""

    state_dir: Path
    destination: Path
    """An existing folder, or the file to write."""
    machine_id: str
    """Who this machine is to Home Assistant, 32 hex digits: goes with the backup, so that a new machine can be it."""
    audio: bool = False
    """Whether recordings are wanted."""
    passphrase: str | None = None
    """Encrypts; tokens and secrets are in a backup only then."""
    config_files: Mapping[str, bytes] | None = None
    """What the owner wrote elsewhere, by the name below `config/`; without secrets unless it is encrypted."""
    without: tuple[Path, ...] = ()
    """Folders below the state folder that hold something else, such as backups or caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What was written."""

    path: Path
    size_bytes: int
    header: BackupHeader
    file_count: int
    recording_count: int


def create_backup(request: BackupRequest, progress: FetchProgress = SILENCE) -> BackupReport:
    """Write one backup file and read it back to prove it; nothing is there if this fails.

    Raises BackupBusy, BackupFailed, DiskFull and what the store raises for a damaged database.
    """
    state_dir = request.state_dir
    with one_backup(state_dir), disk_errors_of(request.destination, "the backup cannot be written"):
        for left in state_dir.glob(f"{_WORK_PREFIX}*"):  # of one that was killed
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        roll_back(state_dir)  # else what a killed restore left half-done would be the backup
        folder = request.destination if request.destination.is_dir() else request.destination.parent
        delete_unfinished(folder)
        with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=state_dir) as work:
            return _create(request, folder, Path(work), progress)


def _create(request: BackupRequest, folder: Path, work: Path, progress: FetchProgress) -> BackupReport:
    encrypted = request.passphrase is not None
    if request.destination != folder and request.destination.exists():
        raise BackupFailed(f"{request.destination} is there already", hint="Give another name, or a folder.")
    sources = state_sources(
        request.state_dir, audio=request.audio, secrets=encrypted, without=(*request.without, folder)
    )
    databases = sum(source.size_bytes for source in sources if source.is_database)
    require_room(request.state_dir, databases, "A consistent copy of the history")
    require_room(folder, sum(source.size_bytes for source in sources), "The backup")
    copies, version = _copied_databases(sources, work, progress)
    total_bytes = sum(
        copies[source.name].stat().st_size if source.is_database else source.size_bytes for source in sources
    )
    now = datetime.now(UTC).replace(microsecond=0)
    header = BackupHeader(
        appliance_version=__version__,
        schema_version=version,
        created_at=now,
        machine=request.machine_id[:8],
        audio=request.audio,
        secrets=encrypted,
        payload_bytes=total_bytes,
    )
    path = request.destination
    if path == folder:
        path = free_path(folder, header.machine, now, encrypted=encrypted)
    with written_whole(path) as out:
        progress.step(f"{path.name}: writing", total_bytes)
        with sealed(out, header, request.passphrase) as stream:
            archive = ArchiveWriter(stream, header, progress.at)
            _add_all(archive, sources, copies, request)
            archive.finish()
        out.flush()
        progress.step(f"{path.name}: reading it back", total_bytes)
        out.seek(0)
        _prove(out, request.passphrase, progress.at)
        size_bytes = out.seek(0, 2)
    names = [member.name for member in archive.members]
    return BackupReport(
        path=path,
        size_bytes=size_bytes,
        header=header,
        file_count=len(names),
        recording_count=sum(name.startswith(f"{STATE}{AUDIO_FOLDER}/") for name in names),
    )


def _copied_databases(sources: list[Source], work: Path, progress: FetchProgress) -> tuple[dict[str, Path], int]:
    """Return a consistent copy of each database by name in the archive, and the schema version of the history."""
    copies: dict[str, Path] = {}
    version = 0
    for number, source in enumerate(source for source in sources if source.is_database):
        progress.step(f"{source.path.name}: copying", None)
        copies[source.name] = work / f"{number}.db"
        found = snapshot(source.path, copies[source.name])
        if source.name == f"{STATE}{DATABASE_FILE}":
            version = found
    return copies, version


def _add_all(archive: ArchiveWriter, sources: list[Source], copies: Mapping[str, Path], request: BackupRequest) -> None:
    archive.add_bytes(f"{STATE}{IDENTITY_FILE}", f"{request.machine_id}\n".encode())
    for name, data in (request.config_files or {}).items():
        archive.add_bytes(f"{CONFIG}{name}", data)
    for source in sources:
        if source.name == f"{STATE}{IDENTITY_FILE}":
            continue
        try:
            file = copies.get(source.name, source.path).open("rb")
        except FileNotFoundError:  # a recording that retention deleted meanwhile
            continue
        with file:
            archive.add(source.name, file, _size(file))


def _size(file: BinaryIO) -> int:
    size_bytes = file.seek(0, 2)
    file.seek(0)
    return size_bytes


def _prove(file: BinaryIO, passphrase: str | None, on_bytes: Callable[[int], None]) -> None:
    with unsealed(file, lambda: passphrase) as stream:
        read_archive(stream, Nowhere(), on_bytes)
