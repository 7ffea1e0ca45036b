"""The speech-to-text server on scripted workers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from wire_harness.audio import likeness, reshaped
from wire_harness.clients import ask, connect, utterance
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info, SelectProgram

SILENCE = bytes(2 * 32_000)
ORDER = ["transcript-start", "transcript-chunk", "transcript", "transcript-stop"]


async def hear(uri: str, pcm: bytes, **options: Any) -> Transcript:
    """Send a whole utterance and return its transcript."""
    events = await ask(uri, *utterance(pcm, **options), until=["transcript-stop"])
    assert events[-1].type == "transcript-stop", events[-1].data
    return Transcript.from_event(next(event for event in events if event.type == "transcript"))


async def test_an_utterance_becomes_a_transcript_in_wyomings_order(house: House, librivox: bytes) -> None:
    await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript="  lights on ")))
    server = await house.asr()
    wish = Transcribe(language="en", context={"mine": 1})
    events = await ask(server.uri, *utterance(librivox, wish=wish), until=["transcript-stop"])
    assert [event.type for event in events] == ORDER
    assert events[1].data["text"] == "lights on"  # Whisper's leading blank would reach the agent
    assert events[2].data == {"text": "lights on", "language": "en", "context": {"mine": 1}}


@pytest.mark.parametrize(
    ("rate", "width", "channels"),
    [
        *itertools.product((8_000, 22_050, 44_100, 48_000), (2,), (1, 2)),
        *itertools.product((16_000,), (1, 2, 3, 4), (1, 2)),
        (48_000, 3, 2),
        (44_100, 4, 2),
        (8_000, 1, 1),
    ],
)
async def test_any_format_reaches_the_worker_as_16_khz_mono(
    house: House, librivox: bytes, rate: int, width: int, channels: int
) -> None:
    engine = WatchedAsr()
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    pcm = reshaped(librivox, rate, width, channels)
    # An odd chunk size cuts samples and frames in two.
    heard = await hear(server.uri, pcm, rate=rate, width=width, channels=channels, chunk_bytes=1999)
    assert heard.text == "turn on the kitchen light"
    original = np.frombuffer(librivox, dtype="<i2")
    assert len(engine.audio[0]) == pytest.approx(len(original), abs=160)
    assert likeness(engine.audio[0], original) > (0.97 if rate > 8_000 else 0.8)


async def test_silence_needs_no_worker_and_is_empty_text_with_a_reason(house: House) -> None:
    server = await house.asr(["nobody"])
    assert (await hear(server.uri, SILENCE)).text == ""
    report = await house.reports.one()
    assert report.detail["rejected"] == "no-speech"
    assert report.text_out == ""
    assert report.error_code is None


async def test_an_empty_transcript_has_no_chunk(house: House) -> None:
    server = await house.asr(["nobody"])
    events = await ask(server.uri, *utterance(SILENCE), until=["transcript-stop"])
    assert [event.type for event in events] == ["transcript-start", "transcript", "transcript-stop"]


async def test_audio_stop_without_audio_is_an_empty_transcript(house: House) -> None:
    server = await house.asr(["nobody"])
    assert (await hear(server.uri, b"")).text == ""
    assert (await house.reports.one()).detail["rejected"] == "no-audio"


async def test_with_the_gate_off_the_worker_decides(house: House) -> None:
    await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript="Thank you.")))
    server = await house.asr(settings={"gate": False})
    assert (await hear(server.uri, SILENCE)).text == "Thank you."


async def test_an_invention_is_rejected_with_its_reason(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(text="Thanks for watching!", metrics={"avg_logprob": -0.9})
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    assert (await hear(server.uri, librivox)).text == ""
    assert (await house.reports.one()).detail["rejected"] == "known-invention"


async def test_audio_without_transcribe_and_without_audio_start_is_taken(house: House, librivox: bytes) -> None:
    await house.asr_worker("whisper")
    server = await house.asr()
    events = utterance(librivox)
    assert [e.type for e in await ask(server.uri, *events[1:], until=["transcript-stop"])] == ORDER
    assert [e.type for e in await ask(server.uri, events[0], *events[2:], until=["transcript-stop"])] == ORDER


async def test_one_connection_serves_several_utterances(house: House, librivox: bytes) -> None:
    await house.asr_worker("whisper")
    server = await house.asr()
    async with connect(server.uri) as client:
        for pcm, text in (
            (librivox, "turn on the kitchen light"),
            (SILENCE, ""),
            (librivox, "turn on the kitchen light"),
        ):
            await client.send(*utterance(pcm))
            events = await client.receive_until("transcript-stop")
            assert Transcript.from_event(events[-2]).text == text


async def test_too_long_audio_is_refused(house: House) -> None:
    await house.asr_worker("whisper")
    server = await house.asr(max_audio_s=1.0)
    async with connect(server.uri) as client:
        await client.send(*utterance(bytes(32_000), stop=False))
        await client.send(AudioChunk(16_000, 2, 1, bytes(4)))
        assert await client.error_code() == "audio-too-long"
    assert (await house.reports.one()).error_code == "audio-too-long"


async def test_a_change_of_format_in_the_middle_is_refused(house: House) -> None:
    server = await house.asr(["nobody"])
    async with connect(server.uri) as client:
        await client.send(AudioStart(16_000, 2, 1), AudioChunk(16_000, 2, 1, bytes(320)))
        await client.send(AudioChunk(8_000, 2, 1, bytes(320)))
        assert await client.error_code() == "bad-request"


async def test_a_stream_that_stalls_is_told(house: House) -> None:
    server = await house.asr(["nobody"], stall_timeout_s=0.05)
    async with connect(server.uri) as client:
        await client.send(*utterance(bytes(3200), stop=False))
        assert await client.error_code() == "deadline-exceeded"
    assert (await house.reports.one()).error_code == "deadline-exceeded"


@pytest.mark.parametrize(
    ("asked", "passed_on"), [("zh-TW", "zh"), ("en_US", "en"), ("EN", "en"), (None, None), ("", None)]
)
async def test_the_worker_is_asked_for_the_bare_language(
    house: House, librivox: bytes, asked: str | None, passed_on: str | None
) -> None:
    engine = WatchedAsr()
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    heard = await hear(server.uri, librivox, wish=Transcribe(language=asked))
    assert engine.options[0].language == passed_on
    assert heard.language == (asked or "en")


async def test_vocabulary_is_passed_on_bounded(house: House, librivox: bytes) -> None:
    engine = WatchedAsr()
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    wish = Transcribe(transcript_names=["Zoë"] * 3 + ["x" * 500], transcript_terms=[f"t{n}" for n in range(9000)])
    await hear(server.uri, librivox, wish=wish)
    assert engine.options[0].names == ("Zoë", "x" * 80)
    assert engine.options[0].terms == tuple(f"t{n}" for n in range(500))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh-TW", "打開廚房的燈"),
        ("zh_TW", "打開廚房的燈"),
        ("zh-Hant-TW", "打開廚房的燈"),
        ("zh", "打開廚房的燈"),  # this house speaks zh-TW
        (None, "打開廚房的燈"),  # and the worker heard "zh"
        ("zh-CN", "打开厨房的灯"),
    ],
)
async def test_mandarin_comes_in_the_script_asked_for(
    house: House, librivox: bytes, language: str | None, text: str
) -> None:
    await house.asr_worker("whisper", WatchedAsr(text="打开厨房的灯", language="zh"))
    server = await house.asr()
    assert (await hear(server.uri, librivox, wish=Transcribe(language=language))).text == text


@pytest.mark.parametrize(
    "data",
    [{"language": 5}, {"context": []}, {"transcript_names": "Zoë"}, {"vad_sensitivity": {}}, {"name": ["x"]}],
)
async def test_malformed_wishes_are_bad_requests(house: House, data: dict[str, Any]) -> None:
    server = await house.asr(["nobody"])
    async with connect(server.uri) as client:
        await client.send(Event("transcribe", data), AudioStop())
        assert await client.error_code() == "bad-request"


# -- workers in trouble --------------------------------------------------------------------------------------------


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


# -- the offer -----------------------------------------------------------------------------------------------------


async def describe(uri: str) -> Info:
    return Info.from_event((await ask(uri, Describe(), until=["info"]))[-1])


async def test_the_offer_names_the_house_its_languages_and_the_workers_models(house: House) -> None:
    await house.asr_worker("whisper", WatchedAsr(fake("asr", languages=["en", "zh", "de"])))
    server = await house.asr()
    await until_described(server.uri, lambda info: info.asr[0].models[0].name == "fake")
    (program,) = (await describe(server.uri)).asr
    assert program.name == "House STT"
    assert program.installed
    assert not program.requires_external_vad
    assert program.supports_transcript_streaming
    assert set(program.models[0].languages) == {"en", "zh", "de", "zh-TW"}


async def until_described(uri: str, condition: Any) -> None:
    """Wait until the server's offer is as wanted."""
    import asyncio

    async with asyncio.timeout(10):
        while not condition(await describe(uri)):
            await asyncio.sleep(0.01)


async def test_before_any_worker_answered_the_offer_has_the_houses_languages(house: House) -> None:
    """Home Assistant fixes the languages at set-up."""
    server = await house.asr(["nobody"])
    (program,) = (await describe(server.uri)).asr
    assert program.models[0].languages == ["en", "zh-TW"]
    assert not program.installed  # and it is not announced yet


async def test_with_client_endpointing_home_assistant_is_asked_for_its_own(house: House) -> None:
    server = await house.asr(["nobody"], settings={"endpointing": "client"})
    assert (await describe(server.uri)).asr[0].requires_external_vad


async def test_a_worker_can_be_chosen_by_program_and_by_model(house: House, librivox: bytes) -> None:
    for name in ("large", "small"):
        engine = WatchedAsr(fake("asr", transcript=f"from {name}"))
        program = engine.program()
        program.models[0].name = f"model-{name}"
        engine.program = lambda program=program: program  # type: ignore[method-assign,misc]
        await house.asr_worker(name, engine)
    server = await house.asr(["large", "small"])
    await until_described(server.uri, lambda info: len(info.asr[0].models) == 2)
    assert [p.name for p in (await describe(server.uri)).asr] == ["House STT", "large", "small"]
    events = await ask(server.uri, SelectProgram("small"), *utterance(librivox), until=["transcript"])
    assert Transcript.from_event(events[-1]).text == "from small"
    assert (await hear(server.uri, librivox, wish=Transcribe(name="model-small"))).text == "from small"
    assert (await hear(server.uri, librivox, wish=Transcribe(name="no such model"))).text == "from large"
