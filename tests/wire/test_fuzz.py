"""Whatever is sent, the server lives: it answers, refuses or hangs up, and the next request works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_harness.clients import ask, connect, raw, utterance
from wire_harness.house import House
from wire_harness.servers import Served
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.tts import Synthesize

MODEST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Codes by which a client is told off. `internal` is not among them: that would be a defect.
TOLD_OFF = {
    "bad-request",
    "frame-too-large",
    "audio-too-long",
    "text-too-long",
    "voice-unknown",
    "program-unknown",
    "deadline-exceeded",
    "idle-timeout",
}
SHORT = {"idle_timeout_s": 0.1, "stall_timeout_s": 0.1, "request_timeout_s": 1.0}


class AllThree:
    """The three servers on scripted workers, each proven alive after every example."""

    def __init__(self, asr: Served, tts: Served, conversation: Served) -> None:
        self.servers = (asr, tts, conversation)

    async def still_work(self) -> None:
        asr, tts, conversation = (served.uri for served in self.servers)
        assert (await ask(asr, *utterance(bytes(640)), until=["transcript"]))[-1].type == "transcript"
        assert (await ask(tts, Synthesize("hi"), until=["audio-stop"]))[-1].type == "audio-stop"
        assert (await ask(conversation, Transcript("hi"), until=["handled"]))[-1].type == "handled"
        for served in self.servers:
            assert (await ask(served.uri, Describe(), until=["info"]))[-1].type == "info"


def with_house(test: Callable[[AllThree], Awaitable[None]]) -> None:
    """Run `test` on fresh servers in a loop of its own: hypothesis calls plain functions."""

    async def run() -> None:
        folder = Path(tempfile.mkdtemp(prefix="wire"))
        try:
            async with House(folder) as house:
                await house.asr_worker("whisper")
                await house.tts_worker("piper")
                await house.llm_worker("chat", answer="ok")
                servers = AllThree(
                    await house.asr(**SHORT), await house.tts(**SHORT), await house.conversation(**SHORT)
                )
                await test(servers)
        finally:
            shutil.rmtree(folder)

    asyncio.run(run())


@MODEST
@given(chunks=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5))
def test_random_bytes_crash_no_server(chunks: list[bytes]) -> None:
    async def attempt(servers: AllThree) -> None:
        for served in servers.servers:
            for chunk in chunks:
                events = await raw(served.uri, chunk)
                assert {event["code"] for event in events if event["type"] == "error"} <= TOLD_OFF
        await servers.still_work()

    with_house(attempt)


FIELDS = (
    "text", "language", "name", "voice", "context", "rate", "width", "channels", "timestamp", "vad_sensitivity",
    "transcript_names", "transcript_terms", "text_format", "speaker", "conversation_id",
)  # fmt: skip
TYPES = (
    "describe", "ping", "select-program", "transcribe", "audio-start", "audio-chunk", "audio-stop", "transcript",
    "synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop", "error", "info", "nonsense",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 2, 3, 8_000, 16_000, -1, 2**31, 2**70]),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["en", "zh-TW", "*", "fake-en", "ssml", "relaxed", "\ud800", "\x00", "a" * 200]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=5,
)
EVENTS = st.tuples(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5),
    st.none() | st.binary(max_size=64),
)


def framed(kind: str, data: dict[str, Any], payload: bytes | None) -> bytes:
    header: dict[str, Any] = {"type": kind}
    body = json.dumps(data).encode()
    header["data_length"] = len(body)
    if payload:
        header["payload_length"] = len(payload)
    return json.dumps(header).encode() + b"\n" + body + (payload or b"")


@MODEST
@given(events=st.lists(EVENTS, min_size=1, max_size=6))
def test_well_formed_frames_with_absurd_contents_are_no_defect_anywhere(
    events: list[tuple[str, dict[str, Any], bytes | None]],
) -> None:
    async def attempt(servers: AllThree) -> None:
        logged = _Records()
        logging.getLogger().addHandler(logged)
        try:
            sent = b"".join(framed(*event) for event in events)
            for answers in await asyncio.gather(*(raw(served.uri, sent, eof=False) for served in servers.servers)):
                assert {answer["code"] for answer in answers if answer["type"] == "error"} <= TOLD_OFF
            await servers.still_work()
        finally:
            logging.getLogger().removeHandler(logged)
        assert not [record for record in logged.records if record.levelno >= logging.ERROR]

    with_house(attempt)


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.mark.parametrize("cut", [1, 10, 40, 70, 100, 150])
async def test_a_client_that_vanishes_anywhere_in_a_request_leaves_nothing(house: House, cut: int) -> None:
    await house.asr_worker("whisper")
    server = await house.asr()
    sent = framed("transcribe", {"language": "en"}, None) + framed(
        "audio-chunk", {"rate": 16_000, "width": 2, "channels": 1}, bytes(64)
    )
    for _ in range(20):
        async with connect(server.uri) as client:
            writer = client.client._writer
            assert writer is not None
            writer.write(sent[:cut])
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            client.abort()
    async with asyncio.timeout(10):
        while server.server.connections or server.server.active_requests:
            await asyncio.sleep(0.002)
    assert (await ask(server.uri, Event("ping"), until=["pong"]))[-1].type == "pong"
