"""The text-to-speech server while its workers are down, busy, broken or killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire_harness.clients import connect
from wire_harness.engines import MuteTts, WatchedTts, fake
from wire_harness.house import House
from wire_harness.speaking import say, shape
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeVoice,
)

from wyoming_servers.workers.engine import AudioPiece, StopFlag


@pytest.mark.usefixtures("impatient")
async def test_a_worker_that_is_down_is_replaced_by_a_voice_of_the_language(house: House) -> None:
    piper = await house.tts_worker("piper")
    espeak = WatchedTts()
    await house.tts_worker("espeak", espeak)
    server = await house.tts(["piper", "espeak"])
    piper.kill()
    events = await say(server.uri, "hello", voice=SynthesizeVoice(name="fake-en"))
    assert shape(events) == ["audio-start", "audio-chunk", "audio-stop"]
    assert espeak.asked == [("hello", "fake-en", None)]
    report = await house.reports.one()
    assert (report.worker, report.voice) == ("espeak", "fake-en@espeak")
    assert report.degraded == "fake-en@espeak instead of fake-en: worker-unavailable"


async def test_a_worker_that_restarts_in_time_speaks_itself(house: House) -> None:
    piper = await house.tts_worker("piper")
    await house.tts_worker("espeak")
    server = await house.tts(["piper", "espeak"])
    piper.kill()
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        await until(lambda: server.server.active_requests)
        engine = WatchedTts()
        await house.tts_worker("piper", engine)
        await client.receive_until("audio-stop")
    assert engine.texts == ["hello"]
    assert (await house.reports.one()).degraded is None


async def test_a_worker_killed_before_the_first_sound_is_replaced(house: House) -> None:
    engine = MuteTts()
    piper = await house.tts_worker("piper", engine)
    espeak = WatchedTts()
    await house.tts_worker("espeak", espeak)
    server = await house.tts(["piper", "espeak"])
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        await until(lambda: engine.asked)
        piper.kill()
        assert shape(await client.receive_until("audio-stop")) == ["audio-start", "audio-chunk", "audio-stop"]
    report = await house.reports.one()
    assert (report.worker, report.degraded) == ("espeak", "fake-en@espeak after fake-en: worker-failed")


async def test_the_only_worker_killed_before_the_first_sound_speaks_when_it_is_back(house: House) -> None:
    engine = MuteTts()
    piper = await house.tts_worker("piper", engine)
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        await until(lambda: engine.asked)
        piper.kill()
        await house.tts_worker("piper")
        assert shape(await client.receive_until("audio-stop")) == ["audio-start", "audio-chunk", "audio-stop"]
    assert (await house.reports.one()).degraded == "fake-en after fake-en: worker-failed"


async def test_a_sentence_that_broke_off_is_said_again_by_another_voice(house: House) -> None:
    engine, espeak = WatchedTts(held=True), WatchedTts()
    piper = await house.tts_worker("piper", engine)
    await house.tts_worker("espeak", espeak)
    server = await house.tts(["piper", "espeak"])
    async with connect(server.uri) as client:
        await client.send(Synthesize("one two three"))
        await client.receive_until("audio-chunk")
        piper.kill()
        events = await client.receive_until("audio-stop")
    assert events[-1].type == "audio-stop"
    assert espeak.texts == ["one two three"]
    silent = [event for event in events if event.type == "audio-chunk" and not any(event.payload or b"x")]
    assert silent, "the repetition must not run into the broken word"
    report = await house.reports.one()
    assert (report.worker, report.degraded) == ("piper+espeak", "fake-en@espeak after fake-en: worker-failed")
    engine.release.set()


async def test_a_sentence_that_breaks_off_twice_is_an_error_event_never_a_bare_close(house: House) -> None:
    """Home Assistant would cache the stump and serve it ever after."""
    engines = [WatchedTts(held=True), WatchedTts(held=True)]
    workers = [await house.tts_worker(name, e) for name, e in zip(("piper", "espeak"), engines, strict=True)]
    server = await house.tts(["piper", "espeak"])
    async with connect(server.uri) as client:
        await client.send(Synthesize("one two three"))
        await client.receive_until("audio-chunk")
        workers[0].kill()
        await until(lambda: engines[1].asked)
        await client.receive_until("audio-chunk")
        workers[1].kill()
        events = await client.receive_until("audio-stop")
        assert (events[-1].type, events[-1].data["code"]) == ("error", "worker-failed")
        assert await client.ended()
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("worker-failed", False)
    for engine in engines:
        engine.release.set()


async def test_a_later_sentence_may_be_spoken_by_another_worker(house: House) -> None:
    """Killed between two sentences: nothing is lost but the voice."""

    class OnlyOnce(WatchedTts):
        def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
            if self.asked:
                raise RuntimeError("out of memory")
            return super().synthesize(text, voice, speaker, stop)

    piper, espeak = OnlyOnce(), WatchedTts()
    await house.tts_worker("piper", piper)
    await house.tts_worker("espeak", espeak)
    server = await house.tts(["piper", "espeak"])
    events = await say(server.uri, "This is the first sentence. This is the second one.")
    assert shape(events) == ["audio-start", "audio-chunk", "audio-stop"]
    assert piper.texts == ["This is the first sentence."]
    assert espeak.texts == ["This is the second one."]
    report = await house.reports.one()
    assert report.worker == "piper+espeak"
    assert report.degraded == "fake-en@espeak after fake-en: worker-failed"


async def test_a_busy_worker_is_replaced(house: House) -> None:
    engine = WatchedTts(held=True)
    piper = await house.tts_worker("piper", engine, worker_queue=0)
    espeak = WatchedTts()
    await house.tts_worker("espeak", espeak)
    server = await house.tts(["piper", "espeak"])
    async with connect(piper.uri) as other:
        await other.send(Synthesize("a long text"))
        await other.receive_until("audio-chunk")
        await say(server.uri, "hello")
        engine.release.set()
    assert espeak.texts == ["hello"]


@pytest.mark.parametrize("code", ["worker-failed"])
async def test_two_failures_are_an_error(house: House, code: str) -> None:
    for name in ("piper", "espeak"):
        await house.tts_worker(name, WatchedTts(fake("tts", fault="error")))
    server = await house.tts(["piper", "espeak"])
    async with connect(server.uri) as client:
        await client.send(SynthesizeStart(), SynthesizeChunk("hello"), SynthesizeStop())
        assert await client.error_code() == code


@pytest.mark.parametrize(
    "chunk", [Event("audio-chunk", {"rate": 1}), Event("audio-chunk", {"rate": 1, "width": 2, "channels": 1}, b"12")]
)
async def test_a_worker_that_talks_nonsense_is_a_failed_worker(house: House, chunk: Event) -> None:
    from wyoming.info import Info

    from wyoming_servers.base import Handler, Request

    class Nonsense(Handler):
        def info(self) -> Info:
            return Info(tts=[WatchedTts().program()])

        def begins_request(self, event_type: str) -> bool:
            return event_type == "synthesize"

        async def serve(self, request: Request) -> None:
            await request.answer(chunk)

    await house._servers.start(Nonsense(), "worker-piper")
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        assert await client.error_code() == "worker-failed"
