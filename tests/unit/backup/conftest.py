"""A house to back up, and somewhere to put the backup."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from avatar_appliance.backup import BackupRequest
from avatar_appliance.store import AudioStore, Database, TurnRepository

from .lived_in import MACHINE_ID, SAID, fill


@pytest.fixture
async def state_dir(tmp_path: Path) -> Path:
    """The state of a house with five turns and a voice."""
    folder = tmp_path / "state"
    await fill(folder, [SAID, "turn on the light", "明天會下雨嗎", "stop", "good night"])
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for backups."""
    path = tmp_path / "nas"
    path.mkdir()
    return path


@pytest.fixture
def request_for(state_dir: Path, folder: Path) -> Callable[..., BackupRequest]:
    """Ask for a backup of the house into the folder."""

    def make(**values: object) -> BackupRequest:
        given: dict[str, object] = {"state_dir": state_dir, "destination": folder, "machine_id": MACHINE_ID}
        return BackupRequest(**(given | values))  # type: ignore[arg-type]

    return make


@pytest.fixture
async def turns(state_dir: Path) -> AsyncIterator[TurnRepository]:
    """The table of turns, open for writing as the running appliance has it."""
    async with Database.open(state_dir / "avatar.db") as database:
        yield TurnRepository(database, AudioStore(state_dir / "audio", min_free_bytes=0))
