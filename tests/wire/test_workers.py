"""Workers as Wyoming servers: what they answer, and what happens when their client is gone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from wire_harness.clients import Client, ask, connect, utterance
from wire_harness.engines import WatchedAsr, WatchedTts, fake
from wire_harness.house import House
from wire_harness.waiting import PROMPT_S, quickest, seconds_until, until
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from wyoming_servers.backends.metrics import take_metrics

SECOND = bytes(32_000)


async def test_an_asr_worker_answers_like_any_wyoming_server_and_says_how_sure_it_is(house: House) -> None:
    engine = WatchedAsr(fake("asr", transcript="hello"))
    worker = await house.asr_worker("whisper", engine)
    wish = Transcribe(language="en", transcript_names=["Zoë", "", "Zoë", "a" * 200], transcript_terms=["lumen"])
    events = await ask(worker.uri, *utterance(SECOND, wish=wish), until=["transcript"])
    heard = Transcript.from_event(events[-1])
    assert (heard.text, heard.language) == ("hello", "en")
    assert take_metrics(heard.context)["avg_logprob"] == -0.1
    (options,) = engine.options
    assert options.language == "en"
    assert options.names == ("Zoë", "a" * 80)
    assert options.terms == ("lumen",)
    assert engine.audio[0].shape == (16_000,)
    assert engine.audio[0].dtype == np.float32


async def test_vocabulary_is_bounded(house: House) -> None:
    engine = WatchedAsr()
    worker = await house.asr_worker("whisper", engine)
    wish = Transcribe(transcript_names=[f"name {n}" for n in range(5000)])
    await ask(worker.uri, *utterance(SECOND, wish=wish), until=["transcript"])
    assert len(engine.options[0].names) == 500


async def test_an_asr_worker_takes_audio_without_transcribe_and_in_other_formats(house: House) -> None:
    engine = WatchedAsr()
    worker = await house.asr_worker("whisper", engine)
    events = utterance(bytes(8_000 * 4), rate=8_000, channels=2)
    await ask(worker.uri, *events[1:], until=["transcript"])
    assert engine.audio[0].shape[0] == pytest.approx(16_000, abs=20)


async def test_too_much_audio_is_refused_by_the_worker_too(house: House) -> None:
    worker = await house.asr_worker("whisper", max_audio_s=0.5)
    async with connect(worker.uri) as client:
        await client.send(*utterance(SECOND))
        assert await client.error_code() == "audio-too-long"


async def test_a_tts_worker_speaks_by_name_by_language_and_by_default(house: House) -> None:
    engine = WatchedTts()
    worker = await house.tts_worker("piper", engine)
    for voice, expected in (
        (SynthesizeVoice(name="fake-zh-TW"), "fake-zh-TW"),
        (SynthesizeVoice(language="zh_TW"), "fake-zh-TW"),
        (SynthesizeVoice(language="zh"), "fake-zh-TW"),
        (SynthesizeVoice(language="en-GB"), "fake-en"),
        (None, "fake-en"),
    ):
        events = await ask(worker.uri, Synthesize("one two", voice), until=["audio-stop"])
        assert [event.type for event in events] == ["audio-start", "audio-chunk", "audio-chunk", "audio-stop"]
        assert engine.asked[-1][1] == expected


@pytest.mark.parametrize("voice", [{"name": "nobody"}, {"language": "fr"}, {"language": "e"}])
async def test_a_tts_worker_knows_no_strangers(house: House, voice: dict[str, str]) -> None:
    worker = await house.tts_worker("piper")
    async with connect(worker.uri) as client:
        await client.send(Synthesize("hi", SynthesizeVoice(**voice)))
        assert await client.error_code() == "voice-unknown"


async def test_nothing_to_say_is_an_empty_run(house: House) -> None:
    class Silent(WatchedTts):
        def synthesize(self, *_: Any) -> Any:
            return iter(())

    worker = await house.tts_worker("piper", Silent())
    events = await ask(worker.uri, Synthesize("..."), until=["audio-stop"])
    assert [event.type for event in events] == ["audio-start", "audio-stop"]


async def test_describe_is_answered_while_an_uninterruptible_call_runs(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    async with connect(worker.uri) as busy, connect(worker.uri) as other:
        await busy.send(*utterance(SECOND))
        await until(lambda: engine.running)
        for client in (other, busy):
            await client.send(Describe())
            assert Info.from_event(await client.receive()).asr[0].name == "fake-asr"
        engine.release.set()
        assert (await busy.receive()).type == "transcript"


async def test_hanging_up_stops_a_streaming_engine_promptly(house: House) -> None:
    engine = WatchedTts(fake("tts", chunk_interval_s=5))
    worker = await house.tts_worker("piper", engine)

    async def attempt() -> float:
        async with connect(worker.uri) as client:
            await client.send(Synthesize("a long text of many words"))
            await client.receive_until("audio-chunk")
            finished = engine.finished
            return await seconds_until(client.abort, lambda: engine.stops[-1].is_set() and engine.finished > finished)

    assert await quickest(attempt) < PROMPT_S
    await until(lambda: not house.threads["piper"].busy)


async def test_hanging_up_on_an_uninterruptible_call_lets_no_other_run_beside_it(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    thread = house.threads["whisper"]
    async with connect(worker.uri) as gone:
        await gone.send(*utterance(SECOND))
        await until(lambda: engine.running)
        gone.abort()
        await until(lambda: engine.stops[0].is_set() and not worker.server.active_requests)
    assert thread.busy
    async with connect(worker.uri) as client:
        await client.send(*utterance(SECOND))
        await until(lambda: thread.waiting == 1)
        assert len(engine.audio) == 1
        engine.release.set()
        assert (await client.receive()).type == "transcript"
    assert engine.most_running == 1


async def test_a_full_queue_is_worker_busy_and_a_cancelled_request_leaves_it(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine, worker_queue=1, max_turns=10)
    thread = house.threads["whisper"]
    async with AsyncExitStack() as stack:

        async def request() -> Client:
            client = await stack.enter_async_context(connect(worker.uri))
            await client.send(*utterance(SECOND))
            return client

        running = await request()
        await until(lambda: engine.running)
        waiting = await request()
        await until(lambda: thread.waiting == 1)
        assert await (await request()).error_code() == "worker-busy"
        waiting.abort()
        await until(lambda: thread.waiting == 0)
        late = await request()
        await until(lambda: thread.waiting == 1)
        engine.release.set()
        assert (await running.receive()).type == "transcript"
        assert (await late.receive()).type == "transcript"
    assert len(engine.audio) == 2  # the one that hung up while it waited never ran


async def test_a_request_that_waits_too_long_is_worker_busy(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine, worker_wait_s=0.05)
    async with connect(worker.uri) as first, connect(worker.uri) as second:
        await first.send(*utterance(SECOND))
        await until(lambda: engine.running)
        await second.send(*utterance(SECOND))
        assert await second.error_code() == "worker-busy"
        engine.release.set()


async def test_a_drained_worker_does_not_wait_for_an_uninterruptible_call(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine, drain_s=0.05)
    async with connect(worker.uri) as client:
        await client.send(*utterance(SECOND))
        await until(lambda: engine.running)
        stopping = asyncio.create_task(worker.server.stop())
        assert await client.error_code() == "shutting-down"
    await stopping
    assert house.threads["whisper"].busy
    engine.release.set()


@pytest.mark.parametrize("fault", ["drop", "garbage"])
async def test_scripted_drops_are_bare_hang_ups(house: House, fault: str) -> None:
    asr = await house.asr_worker("whisper", WatchedAsr(fake("asr", fault=fault)))
    async with connect(asr.uri) as client:
        await client.send(*utterance(SECOND))
        assert await client.ended()
    tts = await house.tts_worker("piper", WatchedTts(fake("tts", fault=fault)))
    async with connect(tts.uri) as client:
        await client.send(Synthesize("one two"))
        assert [(await client.receive()).type for _ in range(2)] == ["audio-start", "audio-chunk"]
        assert await client.ended()


async def test_scripted_errors_begin_after_as_many_good_requests_as_configured(house: House) -> None:
    worker = await house.asr_worker("whisper", WatchedAsr(fake("asr", fault="error", fault_after=2)))
    for _ in range(2):
        assert (await ask(worker.uri, *utterance(SECOND), until=["transcript"]))[-1].type == "transcript"
    async with connect(worker.uri) as client:
        await client.send(*utterance(SECOND))
        assert await client.error_code() == "internal"


async def test_a_scripted_hang_ends_with_the_client(house: House) -> None:
    worker = await house.asr_worker("whisper", WatchedAsr(fake("asr", fault="hang")))
    async with connect(worker.uri) as client:
        await client.send(*utterance(SECOND))
        await until(lambda: house.threads["whisper"].busy)
        client.abort()
    await until(lambda: not house.threads["whisper"].busy)


@pytest.mark.parametrize(
    "events",
    [
        [Event("transcribe", {"language": 5})],
        [Event("audio-start"), Event("audio-chunk", {"rate": 16_000})],
        [Event("audio-start"), AudioChunk(1, 2, 1, b"12").event()],
        [Event("audio-start"), AudioChunk(16_000, 9, 1, b"12").event()],
        [Event("synthesize", {"text": None})],
    ],
)
async def test_malformed_requests_are_bad_requests(house: House, events: list[Event]) -> None:
    worker = await (house.tts_worker("piper") if events[0].type == "synthesize" else house.asr_worker("whisper"))
    async with connect(worker.uri) as client:
        await client.send(*events, AudioStop())
        assert await client.error_code() == "bad-request"
