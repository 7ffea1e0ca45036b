"""The text-to-speech server: text in, one run of audio out."""

from __future__ import annotations

import pytest
from wire_harness.clients import connect
from wire_harness.engines import WatchedTts
from wire_harness.house import House
from wire_harness.speaking import S_PER_CHAR, pcm_of, say, say_streamed, shape
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeTextFormat,
)


async def test_a_text_becomes_one_run_of_audio_at_the_houses_rate(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    events = await say(server.uri, "Good morning everybody.")
    assert shape(events) == ["audio-start", "audio-chunk", "audio-stop"]
    assert events[0].data == {"rate": 24_000, "width": 2, "channels": 1, "timestamp": 0}
    assert {event.data["rate"] for event in events[1:-1]} == {24_000}
    said_s = len("Goodmorningeverybody.") * S_PER_CHAR
    assert len(pcm_of(events)) / 48_000 == pytest.approx(said_s, abs=0.02)
    assert events[-1].data["timestamp"] == pytest.approx(said_s * 1000, abs=20)


async def test_chunks_are_small_and_their_timestamps_rise(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    chunks = [e for e in await say(server.uri, "Good morning everybody.") if e.type == "audio-chunk"]
    assert max(len(chunk.payload or b"") for chunk in chunks) <= 8192
    stamps = [chunk.data["timestamp"] for chunk in chunks]
    assert stamps == sorted(stamps)
    assert stamps[0] == 0


async def test_a_streamed_text_ends_with_synthesize_stopped_and_is_spoken_once(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    events = await say_streamed(server.uri, "The light is ", "on. And the ", "door is shut.")
    assert shape(events) == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert " ".join(engine.texts) == "The light is on. And the door is shut."


@pytest.mark.parametrize("whole", [True, False])
async def test_streamed_and_whole_sound_the_same(house: House, whole: bool) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    text = "The light is on. And the door is shut."
    streamed = await say_streamed(server.uri, *text, whole=whole)
    assert pcm_of(streamed) == pcm_of(await say(server.uri, text))


async def test_the_first_audio_comes_before_the_text_is_complete(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(SynthesizeStart(), SynthesizeChunk("The first sentence is complete. The second"))
        await client.receive_until("audio-chunk")
        await client.send(SynthesizeChunk(" follows."), SynthesizeStop())
        events = await client.receive_until("synthesize-stopped")
    assert shape(events) == ["audio-chunk", "audio-stop", "synthesize-stopped"]


async def test_audio_comes_while_the_engine_still_speaks(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(Synthesize("one two three"))
        await client.receive_until("audio-chunk")
        assert engine.finished == 0
        engine.release.set()
        await client.receive_until("audio-stop")


async def test_a_connection_speaks_several_texts_one_after_the_other(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(
            Synthesize("one"), SynthesizeStart(), SynthesizeChunk("two"), SynthesizeStop(), Synthesize("three")
        )
        for last in ("audio-stop", "synthesize-stopped", "audio-stop"):
            assert (await client.receive_until(last))[0].type == "audio-start"


@pytest.mark.parametrize("text", ["🎉", "", "  \n ", "…", "***", "😀 👍"])
async def test_nothing_speakable_is_an_empty_run(house: House, text: str) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    assert shape(await say(server.uri, text)) == ["audio-start", "audio-stop"]
    streamed = await say_streamed(server.uri, text)
    assert shape(streamed) == ["audio-start", "audio-stop", "synthesize-stopped"]
    assert engine.asked == []


async def test_too_long_a_text_is_refused(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    text = "word " * 4000
    async with connect(server.uri) as client:
        await client.send(Synthesize(text))
        assert await client.error_code() == "text-too-long"
    assert engine.asked == []
    async with connect(server.uri) as client:
        await client.send(SynthesizeStart(), SynthesizeChunk("word"), *[SynthesizeChunk(text[:5000])] * 2)
        assert await client.error_code() == "text-too-long"


async def test_ssml_is_not_read_aloud(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    text = '<speak>Good <emphasis>morning</emphasis><break time="1s"/> everybody.</speak>'
    await say(server.uri, text, text_format=SynthesizeTextFormat.SSML)
    await say_streamed(server.uri, text, whole=False, text_format="ssml")
    spoken = " ".join(" ".join(engine.texts).split())
    assert "<" not in spoken
    assert "emphasis" not in spoken
    assert "1s" not in spoken
    assert spoken.count("morning") == 2
    assert spoken.count("everybody") == 2


async def test_text_is_made_speakable(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    await say(server.uri, "**It is 21 °C** 🎉")
    assert engine.texts == ["It is twenty-one degrees Celsius"]
