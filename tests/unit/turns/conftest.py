from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from avatar_appliance.store import AudioStore, Database, TurnRepository


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audio(tmp_path: Path) -> AudioStore:
    return AudioStore(tmp_path / "audio", min_free_bytes=0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "avatar.db") as opened:
        yield opened


@pytest.fixture
def turns(database: Database, audio: AudioStore) -> TurnRepository:
    return TurnRepository(database, audio)
