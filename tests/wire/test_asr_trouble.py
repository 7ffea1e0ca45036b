"""The speech-to-text server while its workers are down, busy, broken or killed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from wire_harness.audio import likeness
from wire_harness.clients import connect, utterance
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wire_harness.listening import SILENCE, hear
from wire_harness.waiting import until
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.info import Info


@pytest.mark.usefixtures("impatient")
async def test_a_worker_that_is_down_is_replaced_by_the_next_of_the_ladder(house: House, librivox: bytes) -> None:
    await house.asr_worker("small", WatchedAsr(fake("asr", transcript="from the small one")))
    server = await house.asr(["large", "small"])
    assert (await hear(server.uri, librivox)).text == "from the small one"
    report = await house.reports.one()
    assert report.worker == "small"
    assert report.degraded == "small instead of large: worker-unavailable"


async def test_a_worker_killed_while_it_transcribes_is_replaced_by_the_next(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(held=True)
    large = await house.asr_worker("large", engine)
    await house.asr_worker("small", WatchedAsr(fake("asr", transcript="from the small one")))
    server = await house.asr(["large", "small"])
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        large.kill()
        assert Transcript.from_event((await client.receive_until("transcript"))[-1]).text == "from the small one"
    report = await house.reports.one()
    assert (report.worker, report.degraded) == ("small", "small after large: worker-failed")
    assert report.error_code is None
    engine.release.set()


async def test_a_worker_killed_while_the_person_speaks_costs_no_audio(house: House, librivox: bytes) -> None:
    large = await house.asr_worker("large")
    small = WatchedAsr()
    await house.asr_worker("small", small)
    server = await house.asr(["large", "small"])
    half = len(librivox) // 2
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox[:half], stop=False))
        await until(lambda: large.server.active_requests)
        large.kill()
        await client.send(AudioChunk(16_000, 2, 1, librivox[half:]), AudioStop())
        await client.receive_until("transcript")
    assert likeness(small.audio[0], np.frombuffer(librivox, dtype="<i2")) > 0.999
    assert len(small.audio[0]) * 2 == len(librivox)


async def test_a_killed_worker_that_is_restarted_finishes_the_turn(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(held=True)
    first_life = await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        first_life.kill()
        await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript="second life")))
        assert Transcript.from_event((await client.receive_until("transcript"))[-1]).text == "second life"
    report = await house.reports.one()
    assert (report.worker, report.degraded) == ("whisper", "whisper after whisper: worker-failed")
    engine.release.set()


async def test_a_worker_that_starts_while_the_person_speaks_is_in_time(house: House, librivox: bytes) -> None:
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox, stop=False))
        await until(lambda: server.server.active_requests)
        engine = WatchedAsr()
        await house.asr_worker("whisper", engine)
        await client.send(AudioStop())
        await client.receive_until("transcript")
    assert len(engine.audio[0]) * 2 == len(librivox)
    assert (await house.reports.one()).degraded is None


@pytest.mark.usefixtures("impatient")
async def test_a_worker_is_waited_for_as_long_as_the_person_speaks(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wyoming_servers.backends.worker_access import WorkerAccess

    climbs = 0

    async def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal climbs
        climbs += 1
        return await open_worker(*arguments, **options)

    open_worker = WorkerAccess.open
    monkeypatch.setattr(WorkerAccess, "open", counted)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox, stop=False))
        await until(lambda: climbs == 3)  # each of them waited as long as one that nobody speaks behind
        await house.asr_worker("whisper")
        await client.send(AudioStop())
        assert (await client.receive_until("transcript"))[-1].type == "transcript"


async def test_two_failures_are_an_error(house: House, librivox: bytes) -> None:
    for name in ("large", "small"):
        await house.asr_worker(name, WatchedAsr(fake("asr", fault="error")))
    server = await house.asr(["large", "small"])
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        assert await client.error_code() == "worker-failed"
    report = await house.reports.one()
    assert report.error_code == "worker-failed"
    assert not report.cancelled


async def test_a_busy_worker_is_replaced_by_the_next(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(held=True)
    large = await house.asr_worker("large", engine, worker_queue=0)
    await house.asr_worker("small", WatchedAsr(fake("asr", transcript="from the small one")))
    server = await house.asr(["large", "small"])
    async with connect(large.uri) as other:
        await other.send(*utterance(SILENCE))
        await until(lambda: engine.running)
        assert (await hear(server.uri, librivox)).text == "from the small one"
        engine.release.set()
    assert (await house.reports.one()).degraded == "small after large: worker-busy"


async def test_the_only_worker_busy_is_told_as_busy(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine, worker_queue=0)
    server = await house.asr()
    async with connect(worker.uri) as other, connect(server.uri) as client:
        await other.send(*utterance(SILENCE))
        await until(lambda: engine.running)
        await client.send(*utterance(librivox))
        assert await client.error_code() == "worker-busy"
        engine.release.set()


@pytest.mark.usefixtures("impatient")
async def test_no_worker_at_all_is_unavailable(house: House, librivox: bytes) -> None:
    server = await house.asr(["nobody", "noone"])
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        assert await client.error_code() == "worker-unavailable"


@pytest.mark.parametrize(
    "answer", [Event("transcript"), Event("transcript", {"text": 5}), Event("transcript", {"text": "a", "context": 1})]
)
async def test_a_worker_that_talks_nonsense_is_a_failed_worker(house: House, librivox: bytes, answer: Event) -> None:
    """And not a bad request of the client's."""
    from wyoming_servers.base import Handler, Request

    class Nonsense(Handler):
        def info(self) -> Info:
            return Info()

        def begins_request(self, event_type: str) -> bool:
            return event_type == "audio-stop"

        async def serve(self, request: Request) -> None:
            await request.answer(answer)

    await house._servers.start(Nonsense(), "worker-whisper")
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        assert await client.error_code() == "worker-failed"


async def test_hanging_up_cancels_the_worker(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        client.abort()
        await until(lambda: engine.stops[0].is_set() and not worker.server.active_requests)
    report = await house.reports.one()
    assert report.cancelled
    assert report.error_code is None
    engine.release.set()
