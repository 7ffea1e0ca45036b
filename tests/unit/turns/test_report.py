"""Reports on the wire: there and back unchanged, and nothing else gets in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event, async_read_event, async_write_event

from avatar_appliance.errors import BadRequest, FrameTooLarge
from avatar_appliance.turns import ENDED_EVENT, STARTED_EVENT, StagePart, StageReport, StageStarted

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "

times = st.floats(0, 5e9)
ids = st.none() | st.text(st.characters(min_codepoint=33, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
words = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab客", max_size=3), inner, max_size=3),
    max_leaves=5,
)
details = st.dictionaries(st.text("xyz", max_size=3), json_values, max_size=3)
codes = st.none() | st.from_regex(r"[a-z]{1,8}(-[a-z]{1,8}){0,2}", fullmatch=True)


@st.composite
def reports(draw: st.DrawFn) -> StageReport:
    started_at, ended_at = sorted((draw(times), draw(times)))
    part = st.builds(
        StagePart,
        kind=st.sampled_from(["listen", "act"]),
        started_at=st.just(started_at),
        ended_at=st.just(ended_at),
        worker=ids,
        error_code=codes,
        detail=details,
    )
    return draw(
        st.builds(
            StageReport,
            kind=st.sampled_from(["transcribe", "think", "speak"]),
            connection_id=ids.filter(bool),
            started_at=st.just(started_at),
            ended_at=st.just(ended_at),
            first_output_at=st.none() | times,
            link_id=ids,
            worker=ids,
            voice=ids,
            language=ids,
            speaker=ids,
            conversation_id=ids,
            satellite_id=ids,
            device_id=ids,
            text_in=words,
            text_out=words,
            error_code=codes,
            cancelled=st.booleans(),
            degraded=ids,
            detail=details,
            parts=st.lists(part, max_size=3).map(tuple),
            audio_duration_s=st.none() | st.floats(0, 100),
            audio=st.none() | st.binary(max_size=20).map(WAV.__add__),
        )
    )


@given(reports())
def test_a_report_survives_its_event(report: StageReport) -> None:
    assert StageReport.from_event(report.to_event()) == report


async def test_reports_survive_a_socket() -> None:
    report = StageReport(
        kind="speak",
        connection_id="tts-1",
        started_at=1_700_000_000.123456,
        ended_at=1_700_000_001.5,
        text_in="客廳的燈打開了。",
        audio=WAV + bytes(range(256)),
    )
    started = StageStarted(kind="think", connection_id="c-1", started_at=1_700_000_000.1, text_in="打開燈")
    reader = asyncio.StreamReader()

    class Writer:
        def write(self, data: bytes) -> None:
            reader.feed_data(data)

        def writelines(self, lines: list[bytes]) -> None:
            reader.feed_data(b"".join(lines))

        async def drain(self) -> None: ...

    writer: Any = Writer()
    await async_write_event(report.to_event(), writer)
    await async_write_event(started.to_event(), writer)
    first, second = await async_read_event(reader), await async_read_event(reader)
    assert first is not None
    assert second is not None
    assert StageReport.from_event(first) == report
    assert StageStarted.from_event(second) == started


GOOD: dict[str, Any] = {"kind": "think", "connection_id": "c", "started_at": 1.0, "ended_at": 2.0}
PART: dict[str, Any] = {"kind": "act", "started_at": 1.0, "ended_at": 2.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "listen"},
        {"kind": None},
        {"connection_id": ""},
        {"connection_id": "x" * 129},
        {"connection_id": "a\nb"},
        {"connection_id": 7},
        {"started_at": "1"},
        {"started_at": True},
        {"started_at": -1.0},
        {"started_at": float("nan")},
        {"ended_at": float("inf")},
        {"ended_at": 1e12},
        {"ended_at": 0.5},
        {"text_out": "x" * 32_769},
        {"text_out": "\ud800"},
        {"text_out": ["a"]},
        {"error_code": "No Code"},
        {"error_code": "a" * 65},
        {"cancelled": 1},
        {"degraded": ""},
        {"detail": []},
        {"detail": {"a": "x" * 20_000}},
        {"detail": {"a": float("nan")}},
        {"parts": {}},
        {"parts": [PART] * 33},
        {"parts": [{**PART, "kind": "think"}]},
        {"parts": [{**PART, "ended_at": 0.0}]},
        {"parts": [{**PART, "unknown": 1}]},
        {"parts": [{**PART, "detail": {"a": "x" * 20_000}}]},
        {"audio_duration_s": -1.0},
        {"audio": "text instead of a payload"},
        {"surprise": 1},
    ],
)
def test_a_malformed_report_is_refused(wrong: dict[str, Any]) -> None:
    StageReport.from_event(Event(ENDED_EVENT, GOOD))
    with pytest.raises(BadRequest):
        StageReport.from_event(Event(ENDED_EVENT, {**GOOD, **wrong}))


@pytest.mark.parametrize("missing", ["kind", "connection_id", "started_at", "ended_at"])
def test_a_report_without_what_it_needs_is_refused(missing: str) -> None:
    with pytest.raises(BadRequest):
        StageReport.from_event(Event(ENDED_EVENT, {key: GOOD[key] for key in GOOD if key != missing}))


def test_the_type_of_the_event_counts() -> None:
    with pytest.raises(BadRequest):
        StageReport.from_event(Event(STARTED_EVENT, GOOD))
    started = {key: GOOD[key] for key in GOOD if key != "ended_at"}
    assert StageStarted.from_event(Event(STARTED_EVENT, started)).kind == "think"
    with pytest.raises(BadRequest):
        StageStarted.from_event(Event(STARTED_EVENT, GOOD))
    with pytest.raises(BadRequest):
        StageStarted.from_event(Event(STARTED_EVENT, started, WAV))


def test_oversized_messages_are_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FrameTooLarge):
        StageReport.from_event(Event(ENDED_EVENT, {**GOOD, "surprise": "x" * 600_000}))
    monkeypatch.setattr("avatar_appliance.wire.typed.MAX_WAV_BYTES", 20)
    with pytest.raises(FrameTooLarge):
        StageReport.from_event(Event(ENDED_EVENT, GOOD, WAV + b"too much"))


def test_only_wav_files_are_taken_for_audio() -> None:
    with pytest.raises(BadRequest):
        StageReport.from_event(Event(ENDED_EVENT, GOOD, b"\xff\xfbMP3"))


def test_a_hostile_depth_is_refused() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadRequest):
        StageReport.from_event(Event(ENDED_EVENT, {**GOOD, "detail": {"a": deep}}))


def test_neither_errors_nor_reprs_repeat_what_was_said() -> None:
    with pytest.raises(BadRequest) as caught:
        StageReport.from_event(
            Event(ENDED_EVENT, {**GOOD, "text_in": ["secret"], "my secret": "secret", "error_code": "secret!"})
        )
    assert "secret" not in str(caught.value)
    assert "text_in" in str(caught.value)
    assert caught.value.__cause__ is None
    report = StageReport(**GOOD, text_in="secret", text_out="secret", detail={"heard": "secret"}, audio=b"secret")
    assert "secret" not in repr(report)


def test_servers_get_the_reports_without_the_database() -> None:
    code = (
        "import sys, avatar_appliance.turns as turns; turns.StageReport; "
        "assert 'aiosqlite' not in sys.modules; turns.TurnJoiner; assert 'aiosqlite' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
