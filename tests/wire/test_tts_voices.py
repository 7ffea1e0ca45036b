"""Who speaks: by name, by language, by the text; one list over all workers."""

from __future__ import annotations

from typing import Any

import pytest
from wire_harness.clients import ask, connect
from wire_harness.engines import WatchedTts, fake
from wire_harness.house import House
from wire_harness.speaking import S_PER_CHAR, pcm_of, say, say_streamed, shape
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.tts import (
    Synthesize,
    SynthesizeStart,
    SynthesizeVoice,
)


async def test_a_voice_is_chosen_by_name_by_language_and_by_the_text(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    for text, voice, spoken_by in (
        ("hello", SynthesizeVoice(name="fake-en"), "fake-en"),
        ("hello", SynthesizeVoice(name="fake-zh-TW"), "fake-zh-TW"),
        ("hello", SynthesizeVoice(language="zh-TW"), "fake-zh-TW"),
        ("hello", SynthesizeVoice(language="zh"), "fake-zh-TW"),
        ("hello", SynthesizeVoice(language="en_GB"), "fake-en"),
        ("hello", None, "fake-en"),
        ("早安，大家好。", None, "fake-zh-TW"),
        ("早安，大家好。", SynthesizeVoice(name="fake-en"), "fake-zh-TW"),  # an English voice cannot read it
    ):
        await say(server.uri, text, voice=voice)
        assert engine.asked[-1][1] == spoken_by, (text, voice)


@pytest.mark.parametrize(
    "voice",
    [{"name": "nobody"}, {"language": "fr"}, {"name": "fake-en", "speaker": "nobody"}],
)
async def test_an_unknown_voice_is_an_error_not_another_voice(house: House, voice: dict[str, str]) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    for first in (Synthesize("hi", SynthesizeVoice(**voice)), SynthesizeStart(SynthesizeVoice(**voice))):
        async with connect(server.uri) as client:
            await client.send(first)
            assert await client.error_code() == "voice-unknown"


async def test_a_speaker_reaches_the_worker(house: House) -> None:
    from wyoming.info import TtsVoiceSpeaker

    engine = WatchedTts(speakers=[TtsVoiceSpeaker(name="anna"), TtsVoiceSpeaker(name="bo")])
    await house.tts_worker("piper", engine)
    server = await house.tts()
    await say(server.uri, "hello", voice=SynthesizeVoice(name="fake-en", speaker="bo"))
    assert engine.asked == [("hello", "fake-en", "bo")]


async def test_the_default_voice_speaks_when_none_is_named(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(settings={"default_voice": "fake-zh-TW"})
    await say(server.uri, "hello")
    assert engine.asked[-1][1] == "fake-zh-TW"


async def test_a_default_voice_that_nobody_has_is_no_reason_to_be_silent(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(settings={"default_voice": "gone"})
    assert "default_voice" in caplog.text
    await say(server.uri, "hello")
    assert engine.asked[-1][1] == "fake-en"


async def test_engines_of_different_rates_make_one_stream(house: House) -> None:
    """English by one worker, Chinese by another, in one answer."""
    english = WatchedTts(fake("tts", languages=["en"]), rate_hz=22_050)
    chinese = WatchedTts(fake("tts", languages=["zh-TW"]), rate_hz=44_100)
    await house.tts_worker("piper", english)
    await house.tts_worker("espeak", chinese)
    server = await house.tts(["piper", "espeak"], settings={"rate_hz": 16_000})
    events = await say_streamed(server.uri, "Good morning everybody.\n", "早安，大家好。")
    assert shape(events) == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert {event.data["rate"] for event in events if event.type == "audio-chunk"} == {16_000}
    assert english.asked
    assert chinese.asked
    # The same samples played at another rate take another time: 22 050/44 100 of it for the Chinese part.
    english_s = len("Goodmorningeverybody.") * S_PER_CHAR
    chinese_s = sum(len("".join(text.split())) for text in chinese.texts) * S_PER_CHAR / 2
    assert len(pcm_of(events)) / 32_000 == pytest.approx(english_s + chinese_s, abs=0.05)
    report = await house.reports.one()
    assert report.worker == "piper+espeak"
    assert report.degraded is None


async def test_all_workers_voices_are_one_list_and_equal_names_are_told_apart(house: House) -> None:
    from wyoming.info import Describe, Info

    for name in ("piper", "other"):
        await house.tts_worker(name)
    server = await house.tts(["piper", "other"])
    info = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1])
    assert [program.name for program in info.tts] == ["House TTS", "piper", "other"]
    assert [voice.name for voice in info.tts[0].voices] == [
        "fake-en", "fake-zh-TW", "fake-en@other", "fake-zh-TW@other",
    ]  # fmt: skip
    assert info.tts[0].supports_synthesize_streaming
    assert [voice.name for voice in info.tts[2].voices] == ["fake-en@other", "fake-zh-TW@other"]


async def test_a_voice_with_an_added_name_is_asked_for_by_its_own(house: House) -> None:
    piper, other = WatchedTts(), WatchedTts()
    await house.tts_worker("piper", piper)
    await house.tts_worker("other", other)
    server = await house.tts(["piper", "other"])
    await say(server.uri, "hello", voice=SynthesizeVoice(name="fake-en@other"))
    assert other.asked == [("hello", "fake-en", None)]
    assert piper.asked == []


async def test_select_program_keeps_to_that_worker(house: House) -> None:
    from wyoming.info import SelectProgram

    piper, other = WatchedTts(), WatchedTts()
    await house.tts_worker("piper", piper)
    await house.tts_worker("other", other)
    server = await house.tts(["piper", "other"])
    await ask(server.uri, SelectProgram("other"), Synthesize("hello"), until=["audio-stop"])
    assert other.texts == ["hello"]
    async with connect(server.uri) as client:
        await client.send(SelectProgram("other"), Synthesize("hello", SynthesizeVoice(name="fake-en")))
        assert await client.error_code() == "voice-unknown"
    assert piper.asked == []


async def test_right_after_a_start_a_request_waits_for_the_voices(house: House) -> None:
    server = await house.tts(wait=False)
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello", SynthesizeVoice(name="fake-en")))
        await until(lambda: server.server.active_requests)
        await house.tts_worker("piper")
        assert shape(await client.receive_until("audio-stop")) == ["audio-start", "audio-chunk", "audio-stop"]


async def test_without_any_worker_the_error_is_unavailable(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.tts.voices.RESTART_WAIT_S", 0.05)
    server = await house.tts(["nobody"], wait=False)
    for voice in (None, SynthesizeVoice(name="fake-en")):
        async with connect(server.uri) as client:
            await client.send(Synthesize("hello", voice))
            assert await client.error_code() == "worker-unavailable"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("synthesize", {}),
        ("synthesize", {"text": 5}),
        ("synthesize", {"text": "a", "voice": {"name": []}}),
        ("synthesize-start", {"voice": 5}),
        ("synthesize-start", {"context": "none"}),
    ],
)
async def test_malformed_wishes_are_bad_requests(house: House, kind: str, data: dict[str, Any]) -> None:
    server = await house.tts(["nobody"], wait=False)
    async with connect(server.uri) as client:
        await client.send(Event(kind, data))
        assert await client.error_code() == "bad-request"


async def test_a_malformed_chunk_in_a_stream_is_a_bad_request(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(SynthesizeStart(), Event("synthesize-chunk", {"text": None}))
        assert await client.error_code() == "bad-request"


async def test_an_unknown_text_format_is_text(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    await say(server.uri, "hello", text_format="braille")
    assert engine.texts == ["hello"]
