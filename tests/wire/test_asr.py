"""The speech-to-text server: what goes in, what comes out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from wire_harness.audio import likeness, reshaped
from wire_harness.clients import ask, connect, utterance
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wire_harness.listening import SILENCE, hear
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

ORDER = ["transcript-start", "transcript-chunk", "transcript", "transcript-stop"]


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
