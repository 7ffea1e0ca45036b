from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.store import AudioStore, Database, Turn, TurnRepository
from avatar_appliance.turns import StageReport
from avatar_appliance.turns.open_turns import OpenTurns

NOW = 1000.0


def heard(name: str, text: str, at: float, **values: Any) -> StageReport:
    return StageReport(
        kind="transcribe", connection_id=name, started_at=NOW + at - 2, ended_at=NOW + at, text_out=text, **values
    )


def thought(name: str, text: str, answer: str | None, at: float, **values: Any) -> StageReport:
    values.setdefault("ended_at", NOW + at + 1)
    return StageReport(kind="think", connection_id=name, started_at=NOW + at, text_in=text, text_out=answer, **values)


def spoken(name: str, text: str, at: float, **values: Any) -> StageReport:
    return StageReport(
        kind="speak", connection_id=name, started_at=NOW + at, ended_at=NOW + at + 1, text_in=text, **values
    )


def saved(table: OpenTurns) -> tuple[Turn, ...]:
    """Pretend to store what is unsaved and return it."""
    unsaved = table.unsaved()
    assert unsaved is not None
    table.saved(unsaved)
    return unsaved.turns


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
