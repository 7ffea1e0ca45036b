"""The joiner on a real store: written at once, merged, split, restarted, deleted under its hands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.store import AudioStore, Database, DatabaseBusy, DiskFull, Turn, TurnRepository
from avatar_appliance.turns import JoinRules, StageInterrupted, StageReport, StageStarted, TurnJoiner, TurnsChanged
from avatar_appliance.turns.report import ReportedKind

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(16)
HEARD = StageReport(
    kind="transcribe", connection_id="asr-1", started_at=998.0, ended_at=1000.0, text_out=" 打開燈", language="zh-TW"
)
THOUGHT = StageReport(
    kind="think",
    connection_id="llm-1",
    started_at=1000.1,
    ended_at=1001.0,
    text_in="打開燈",
    text_out="好的。",
    conversation_id="c",
    satellite_id="kitchen",
)
SPOKEN = StageReport(
    kind="speak", connection_id="tts-1", started_at=1001.1, ended_at=1002.0, text_in="好的。", voice="anna", audio=WAV
)


KINDS: list[tuple[ReportedKind, float]] = [("transcribe", 1000.0), ("think", 1000.6), ("speak", 1001.2)]


class Clock:
    def __init__(self) -> None:
        self.now = 1002.0

    def __call__(self) -> float:
        return self.now


async def all_turns(turns: TurnRepository) -> list[Turn]:
    return list((await turns.list()).items)


async def test_each_report_is_in_the_store_when_it_returns_and_joins_update_the_row(
    turns: TurnRepository, audio: AudioStore
) -> None:
    changes: list[TurnsChanged] = []
    joiner = TurnJoiner(turns, audio, clock=Clock(), on_change=changes.append)
    early = await joiner.report(THOUGHT)
    (turn,) = await all_turns(turns)
    assert (turn.id, turn.transcript, turn.answer) == (early, "打開燈", "好的。")
    await joiner.report(HEARD)
    (turn,) = await all_turns(turns)
    assert (turn.started_at, turn.language, turn.conversation_id) == (998.0, "zh-TW", "c")
    assert await joiner.report(SPOKEN) == turn.id
    (turn,) = await all_turns(turns)
    assert [stage.kind for stage in turn.stages] == ["transcribe", "think", "speak"]
    assert changes[-1].saved == (turn,)
    assert audio.path(turn.audio_out[0].name).read_bytes() == WAV


async def test_two_stored_turns_become_one_when_their_link_shows_up(turns: TurnRepository, audio: AudioStore) -> None:
    """The thought arrives last: the transcript and the speech are rows of their own until then."""
    changes: list[TurnsChanged] = []
    joiner = TurnJoiner(turns, audio, clock=Clock(), on_change=changes.append)
    first = await joiner.report(HEARD)
    second = await joiner.report(SPOKEN)
    assert first != second
    assert len(await all_turns(turns)) == 2
    assert await joiner.report(THOUGHT) == first
    (turn,) = await all_turns(turns)
    assert len(turn.stages) == 3
    assert len(turn.audio_out) == 1
    assert changes[-1].removed == {second}
    assert await audio.names() == {turn.audio_out[0].name}


async def test_a_late_report_splits_the_stored_turn_again(turns: TurnRepository, audio: AudioStore) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    for report in (HEARD, THOUGHT, SPOKEN):
        await joiner.report(report)
    await joiner.report(
        StageReport(kind="transcribe", connection_id="asr-2", started_at=999, ended_at=1000.05, text_out="打開燈")
    )
    kinds = sorted([stage.kind for stage in turn.stages] for turn in await all_turns(turns))
    assert kinds == [["think", "speak"], ["transcribe"], ["transcribe"]]


async def test_a_report_sent_twice_counts_once(turns: TurnRepository, audio: AudioStore) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    first = await joiner.report(SPOKEN)
    assert await joiner.report(SPOKEN) == first
    (turn,) = await all_turns(turns)
    assert len(turn.stages) == 1
    assert len(await audio.names()) == 1


async def test_a_restart_loses_nothing_and_goes_on_joining(tmp_path: Path, audio: AudioStore) -> None:
    clock = Clock()
    async with Database.open(tmp_path / "avatar.db") as database:
        joiner = TurnJoiner(TurnRepository(database, audio), audio, clock=clock)
        await joiner.load()
        first = await joiner.report(HEARD)
        await joiner.started(StageStarted(kind="think", connection_id="llm-1", started_at=1000.1, text_in="打開燈"))
    async with Database.open(tmp_path / "avatar.db") as database:
        turns = TurnRepository(database, audio)
        joiner = TurnJoiner(turns, audio, clock=clock)
        await joiner.load()
        (turn,) = await all_turns(turns)
        assert turn.status == "in_progress"
        assert await joiner.report(THOUGHT) == first
        assert await joiner.report(SPOKEN) == first
        (turn,) = await all_turns(turns)
        assert [stage.kind for stage in turn.stages] == ["transcribe", "think", "speak"]
        assert turn.status == "ok"


async def test_after_a_restart_an_ambiguous_sentence_is_still_ambiguous(tmp_path: Path, audio: AudioStore) -> None:
    """The older of two transcripts has left by then; the younger must not get the answer for that."""
    clock, rules = Clock(), JoinRules(stage_limit_s=10)
    reports = [
        StageReport(kind="transcribe", connection_id="t1", started_at=990, ended_at=1000, text_out="stop"),
        StageReport(kind="transcribe", connection_id="t2", started_at=1010, ended_at=1020, text_out="stop"),
        StageReport(kind="think", connection_id="k", started_at=1025, ended_at=1026, text_in="stop", text_out="Done."),
    ]
    async with Database.open(tmp_path / "avatar.db") as database:
        joiner = TurnJoiner(TurnRepository(database, audio), audio, clock=clock, rules=rules)
        for report in reports:
            clock.now = report.ended_at
            await joiner.report(report)
    clock.now = 1045.0
    async with Database.open(tmp_path / "avatar.db") as database:
        turns = TurnRepository(database, audio)
        joiner = TurnJoiner(turns, audio, clock=clock, rules=rules)
        await joiner.load()
        await joiner.report(
            StageReport(kind="speak", connection_id="s", started_at=1044, ended_at=1045, text_in="Hello.")
        )
        assert [len(turn.stages) for turn in await all_turns(turns)] == [1, 1, 1, 1]


async def test_a_stage_nobody_reported_before_the_crash_is_interrupted_at_load(
    tmp_path: Path, audio: AudioStore
) -> None:
    clock = Clock()
    async with Database.open(tmp_path / "avatar.db") as database:
        joiner = TurnJoiner(TurnRepository(database, audio), audio, clock=clock)
        await joiner.started(StageStarted(kind="transcribe", connection_id="asr-1", started_at=1000.0))
    clock.now += 10_000
    async with Database.open(tmp_path / "avatar.db") as database:
        turns = TurnRepository(database, audio)
        await TurnJoiner(turns, audio, clock=clock).load()
        (turn,) = await all_turns(turns)
        assert (turn.status, turn.error_code) == ("failed", StageInterrupted.code)


async def test_a_server_that_is_gone_interrupts_its_stages(turns: TurnRepository, audio: AudioStore) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    await joiner.started(StageStarted(kind="speak", connection_id="tts-1", started_at=1001.1))
    await joiner.interrupt({"tts-1"})
    (turn,) = await all_turns(turns)
    assert turn.error_code == StageInterrupted.code
    await joiner.report(SPOKEN)
    (turn,) = await all_turns(turns)
    assert turn.status == "ok"


async def test_tick_closes_what_ran_for_too_long(turns: TurnRepository, audio: AudioStore) -> None:
    clock = Clock()
    joiner = TurnJoiner(turns, audio, clock=clock)
    await joiner.started(StageStarted(kind="think", connection_id="k", started_at=clock.now))
    clock.now += 301
    await joiner.tick()
    (turn,) = await all_turns(turns)
    assert turn.status == "failed"


async def test_a_deleted_turn_does_not_come_back_by_a_later_report(turns: TurnRepository, audio: AudioStore) -> None:
    changes: list[TurnsChanged] = []
    joiner = TurnJoiner(turns, audio, clock=Clock(), on_change=changes.append)
    first = await joiner.report(HEARD)
    assert first is not None
    await turns.delete(first)
    second = await joiner.report(THOUGHT)
    assert second not in (None, first)
    (turn,) = await all_turns(turns)
    assert [stage.kind for stage in turn.stages] == ["think"]
    assert TurnsChanged((), frozenset({first})) in changes


async def test_a_turn_deleted_while_it_runs_stays_deleted_with_its_recording(
    turns: TurnRepository, audio: AudioStore
) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    first = await joiner.started(StageStarted(kind="speak", connection_id="tts-1", started_at=1001.1))
    assert first is not None
    await turns.delete(first)
    assert await joiner.report(SPOKEN) is None
    assert await all_turns(turns) == []
    assert await audio.names() == frozenset()


async def test_a_turn_deleted_before_it_was_merged_stays_deleted(turns: TurnRepository, audio: AudioStore) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    await joiner.report(HEARD)
    speech = await joiner.report(SPOKEN)
    assert speech is not None
    await turns.delete(speech)
    await joiner.report(THOUGHT)
    (turn,) = await all_turns(turns)
    assert [stage.kind for stage in turn.stages] == ["transcribe", "think"]


class Failing:
    """A table of turns that fails as often as told, then works."""

    def __init__(self, turns: TurnRepository, *failures: Exception) -> None:
        self._turns = turns
        self.failures = list(failures)

    async def open_since(self, since: float) -> Sequence[Turn]:
        return await self._turns.open_since(since)

    async def save(self, turns: Sequence[Turn], *, new: Collection[str], merged: Collection[str]) -> frozenset[str]:
        if self.failures:
            raise self.failures.pop(0)
        return await self._turns.save(turns, new=new, merged=merged)


async def test_what_could_not_be_stored_is_stored_with_the_next_report_or_tick(
    turns: TurnRepository, audio: AudioStore
) -> None:
    joiner = TurnJoiner(Failing(turns, DatabaseBusy("busy"), DiskFull("full")), audio, clock=Clock())
    with pytest.raises(DatabaseBusy):
        await joiner.report(HEARD)
    with pytest.raises(DiskFull):
        await joiner.report(THOUGHT)
    assert await all_turns(turns) == []
    await joiner.tick()
    (turn,) = await all_turns(turns)
    assert [stage.kind for stage in turn.stages] == ["transcribe", "think"]


async def test_a_turn_that_cannot_be_stored_at_all_does_not_block_the_next(
    turns: TurnRepository, audio: AudioStore
) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    broken: Any = {**{name: getattr(HEARD, name) for name in ("kind", "connection_id", "started_at", "ended_at")}}
    with pytest.raises(UnicodeEncodeError):
        await joiner.report(StageReport(**broken, text_out="\ud800"))
    await joiner.report(SPOKEN)
    (turn,) = await all_turns(turns)
    assert turn.voice == "anna"


class FullDisk(AudioStore):
    """An audio folder on a full disk."""

    async def write(self, *_: Any, **__: Any) -> Any:
        raise DiskFull("the disk is full")


async def test_a_recording_that_cannot_be_kept_does_not_cost_the_turn(
    turns: TurnRepository, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await TurnJoiner(turns, FullDisk(tmp_path), clock=Clock()).report(SPOKEN)
    (turn,) = await all_turns(turns)
    assert turn.audio_out == ()
    assert "disk-full" in caplog.text


async def test_recordings_are_not_kept_where_they_are_not_wanted(turns: TurnRepository) -> None:
    await TurnJoiner(turns, None, clock=Clock()).report(SPOKEN)
    (turn,) = await all_turns(turns)
    assert (turn.answer, turn.audio_out) == ("好的。", ())


async def test_a_listener_that_fails_does_not_cost_the_turn(
    turns: TurnRepository, audio: AudioStore, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(change: TurnsChanged) -> None:
        raise ValueError("好的。")

    await TurnJoiner(turns, audio, clock=Clock(), on_change=fail).report(SPOKEN)
    assert len(await all_turns(turns)) == 1
    assert "listener" in caplog.text
    assert not any("好的" in record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG)


async def test_a_cancelled_caller_does_not_lose_the_report(turns: TurnRepository, audio: AudioStore) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    task = asyncio.create_task(joiner.report(SPOKEN))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (turn,) = await all_turns(turns)
    assert turn.audio_out
    await joiner.report(HEARD)
    assert len(await all_turns(turns)) == 2


async def test_many_reports_at_once_are_all_stored(turns: TurnRepository, audio: AudioStore) -> None:
    joiner = TurnJoiner(turns, audio, clock=Clock())
    reports = [
        StageReport(
            kind=kind,
            connection_id=f"{kind}-{number}",
            started_at=at,
            ended_at=at + 0.5,
            text_in=f"text {number}",
            text_out=f"text {number}",
        )
        for number in range(20)
        for kind, at in KINDS
    ]
    await asyncio.gather(*(joiner.report(report) for report in reports))
    assert [len(turn.stages) for turn in await all_turns(turns)] == [3] * 20
