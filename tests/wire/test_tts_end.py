"""Speech that ends early: the client hangs up, or the time is up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wire_harness.clients import Client, connect
from wire_harness.engines import MuteTts, WatchedTts, fake
from wire_harness.house import House
from wire_harness.waiting import PROMPT_S, quickest, seconds_until, until
from wyoming.event import Event
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
)


@pytest.mark.parametrize("streamed", [True, False])
async def test_hanging_up_stops_the_engine_promptly(house: House, streamed: bool) -> None:
    engine = WatchedTts(fake("tts", chunk_interval_s=5))
    await house.tts_worker("piper", engine)
    server = await house.tts()
    text = "a long text of many words"
    wish: list[Any] = [SynthesizeStart(), SynthesizeChunk(f"{text}. And")] if streamed else [Synthesize(text)]

    async def attempt() -> float:
        async with connect(server.uri) as client:
            await client.send(*wish)
            await client.receive_until("audio-chunk")
            finished = engine.finished
            return await seconds_until(client.abort, lambda: engine.stops[-1].is_set() and engine.finished > finished)

    assert await quickest(attempt) < PROMPT_S
    await until(lambda: house.reports.ended)
    assert house.reports.ended[0].cancelled
    assert house.reports.ended[0].error_code is None


async def test_a_text_that_stalls_is_told(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts(request_timeout_s=0.05)
    async with connect(server.uri) as client:
        await client.send(SynthesizeStart(), SynthesizeChunk("The first"))
        assert await client.error_code() == "deadline-exceeded"
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("deadline-exceeded", False)


async def test_a_text_that_trickles_on_for_ever_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.tts.handler.MOST_STREAM_S", 0.05)
    await house.tts_worker("piper")
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(SynthesizeStart())
        trickling = asyncio.create_task(_trickle(client))
        events = await client.receive_until("synthesize-stopped")
        assert events[-1].data["code"] == "deadline-exceeded"
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)


async def _trickle(client: Client) -> None:
    while True:
        await client.send(Event("something-else"))
        await asyncio.sleep(0.01)


async def test_an_engine_that_makes_no_sound_ends_at_the_deadline(house: House) -> None:
    await house.tts_worker("piper", MuteTts())
    server = await house.tts(request_timeout_s=0.1)
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        assert await client.error_code() == "deadline-exceeded"
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("deadline-exceeded", False)
    await until(lambda: not house.threads["piper"].busy)
