from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.store import AudioStore, Database, Stage, Turn, TurnRepository, new_turn_id

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(32)


@pytest.fixture
def wav() -> bytes:
    """A short WAV file."""
    return WAV


@pytest.fixture
def audio(tmp_path: Path) -> AudioStore:
    """An audio folder that does not care how full the disk of the tests is."""
    return AudioStore(tmp_path / "state" / "audio", min_free_bytes=0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open, empty database."""
    async with Database.open(tmp_path / "state" / "avatar.db") as opened:
        yield opened


@pytest.fixture
def turns(database: Database, audio: AudioStore) -> TurnRepository:
    """The table of turns."""
    return TurnRepository(database, audio)


@pytest.fixture
def make_turn() -> Callable[..., Turn]:
    """Make a turn with one think stage; `audio` goes onto a speak stage."""

    def make(started_at: float = 1000.0, **values: Any) -> Turn:
        turn_id = values.pop("id", None) or new_turn_id(started_at)
        recording = values.pop("audio", None)
        values.setdefault("ended_at", started_at + 1)
        stages = [
            Stage(
                id=f"{turn_id}-k",
                kind="think",
                connection_id="c",
                started_at=started_at,
                ended_at=values["ended_at"],
                text_in=values.get("transcript"),
                text_out=values.get("answer"),
            )
        ]
        if recording is not None:
            stages.append(
                Stage(
                    id=f"{turn_id}-s",
                    kind="speak",
                    connection_id="c",
                    started_at=started_at + 0.5,
                    ended_at=started_at + 1,
                    audio=recording,
                )
            )
        return Turn(id=turn_id, started_at=started_at, stages=tuple(stages), **values)

    return make
