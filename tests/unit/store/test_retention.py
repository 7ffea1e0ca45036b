"""Forgetting by age and by size: rows and files together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from avatar_appliance.store import (
    AudioStore,
    ConversationRepository,
    Database,
    Retention,
    RetentionLimits,
    RetentionResult,
    Turn,
    TurnFilter,
    TurnRepository,
    new_turn_id,
)

DAY = 86_400.0
NOW = 100 * DAY

MakeTurn = Callable[..., Turn]
Record = Callable[..., Awaitable[None]]


@pytest.fixture
def record(turns: TurnRepository, audio: AudioStore, make_turn: MakeTurn, wav: bytes) -> Record:
    """Store a recorded turn of some age in days, with a recording of some size."""

    async def make(age: float, *, size_bytes: int = 0, **values: object) -> None:
        turn_id = new_turn_id(NOW - age * DAY)
        file = await audio.write(turn_id, "out", wav + bytes(max(0, size_bytes - len(wav))))
        turn = make_turn(NOW - age * DAY, id=turn_id, audio=file, transcript=f"{age:g} days", **values)
        await turns.save([turn], new={turn_id})

    return make


async def kept(turns: TurnRepository) -> list[tuple[str | None, bool]]:
    return [(turn.transcript, bool(turn.audio_out)) for turn in (await turns.list()).items]


async def run(database: Database, audio: AudioStore, **limits: object) -> RetentionResult:
    return await Retention(database, audio, RetentionLimits(**limits)).run(NOW)  # type: ignore[arg-type]


async def test_turns_older_than_the_limit_go_with_rows_files_and_search(
    turns: TurnRepository, audio: AudioStore, database: Database, record: Record, wav: bytes
) -> None:
    for age in (40, 31, 29, 1):
        await record(age, conversation_id=f"c{age}")
    assert await run(database, audio, days=30) == RetentionResult(2, 2, 2 * len(wav))
    assert await kept(turns) == [("1 days", True), ("29 days", True)]
    assert len(await audio.names()) == 2
    assert (await turns.list(TurnFilter(text="40 days"))).items == ()
    conversations = (await ConversationRepository(database, turns).list()).items
    assert [conversation.id for conversation in conversations] == ["c1", "c29"]
    assert await run(database, audio, days=30) == RetentionResult()


async def test_recordings_can_go_earlier_than_their_text(
    turns: TurnRepository, audio: AudioStore, database: Database, record: Record, wav: bytes
) -> None:
    for age in (20, 3):
        await record(age)
    assert await run(database, audio, days=30, audio_days=7) == RetentionResult(0, 1, len(wav))
    assert await kept(turns) == [("3 days", True), ("20 days", False)]
    assert len(await audio.names()) == 1


async def test_the_oldest_recordings_make_room_for_the_newest(
    turns: TurnRepository, audio: AudioStore, database: Database, record: Record
) -> None:
    for age in (4, 3, 2, 1):
        await record(age, size_bytes=1000)
    result = await run(database, audio, days=None, max_audio_bytes=2500)
    assert result == RetentionResult(0, 2, 2000)
    assert await kept(turns) == [("1 days", True), ("2 days", True), ("3 days", False), ("4 days", False)]


async def test_a_limit_of_nothing_keeps_only_what_is_in_progress(
    turns: TurnRepository, audio: AudioStore, database: Database, record: Record
) -> None:
    await record(0.001)
    await record(0.0005, status="in_progress", ended_at=None)
    await record(1, status="in_progress", ended_at=None)
    result = await run(database, audio, days=0)
    assert result.turns_deleted == 2
    assert await kept(turns) == [("0.0005 days", True)]


async def test_without_limits_everything_stays(
    turns: TurnRepository, audio: AudioStore, database: Database, record: Record
) -> None:
    await record(99)
    assert await run(database, audio, days=None) == RetentionResult()
    assert await kept(turns) == [("99 days", True)]


async def test_more_than_one_batch_goes_in_one_run(
    turns: TurnRepository, audio: AudioStore, database: Database, make_turn: MakeTurn
) -> None:
    many = [make_turn(float(number)) for number in range(450)]
    await turns.save(many, new={turn.id for turn in many})
    assert (await run(database, audio, days=30)).turns_deleted == 450
    assert await kept(turns) == []


async def test_the_disk_gets_its_space_back(
    turns: TurnRepository, audio: AudioStore, database: Database, make_turn: MakeTurn
) -> None:
    many = [make_turn(float(number), transcript="a long story " * 50) for number in range(200)]
    await turns.save(many, new={turn.id for turn in many})
    await database.reclaim()
    size_before = database.path.stat().st_size
    await run(database, audio, days=30)
    free_pages = await database.fetch_one("PRAGMA freelist_count")
    assert free_pages is not None
    assert free_pages[0] == 0
    assert database.path.stat().st_size < size_before / 2


@pytest.mark.parametrize("limits", [{"days": -1}, {"audio_days": -0.5}, {"max_audio_bytes": -1}])
def test_a_negative_limit_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        RetentionLimits(**limits)  # type: ignore[arg-type]
