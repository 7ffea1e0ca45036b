"""The text-to-speech server on scripted workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from wire_harness.clients import Client, ask, connect
from wire_harness.engines import WatchedTts, fake
from wire_harness.house import House
from wire_harness.waiting import PROMPT_S, quickest, seconds_until, until
from wyoming.event import Event
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from wyoming_servers.workers.engine import AudioPiece, StopFlag

S_PER_CHAR = 0.06
"""How long the fake engine's words are."""


def pcm_of(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")


def shape(events: list[Event]) -> list[str]:
    """Return the types of the events, repeated ones once."""
    types = [event.type for event in events]
    return [kind for index, kind in enumerate(types) if index == 0 or kind != types[index - 1]]


async def say(uri: str, text: str, **wish: Any) -> list[Event]:
    return await ask(uri, Synthesize(text, **wish), until=["audio-stop"])


async def say_streamed(uri: str, *chunks: str, whole: bool = True, **wish: Any) -> list[Event]:
    """Speak a stream as Home Assistant does: with the whole text once more, for old servers."""
    events = [SynthesizeStart(**wish).event(), *(SynthesizeChunk(chunk).event() for chunk in chunks)]
    if whole:
        events.append(Synthesize("".join(chunks)).event())
    return await ask(uri, *events, SynthesizeStop(), until=["synthesize-stopped"])


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
    assert max(len(chunk.payload or b"") for chunk in chunks) <= 2048
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


# -- voices --------------------------------------------------------------------------------------------------------


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


# -- workers in trouble --------------------------------------------------------------------------------------------


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


class Mute(WatchedTts):
    """Takes a text and makes no sound until it is stopped."""

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        self.asked.append((text, voice, speaker))
        stop.wait(30)
        return iter(())


async def test_a_worker_killed_before_the_first_sound_is_replaced(house: House) -> None:
    engine = Mute()
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
    engine = Mute()
    piper = await house.tts_worker("piper", engine)
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        await until(lambda: engine.asked)
        piper.kill()
        await house.tts_worker("piper")
        assert shape(await client.receive_until("audio-stop")) == ["audio-start", "audio-chunk", "audio-stop"]
    assert (await house.reports.one()).degraded == "fake-en after fake-en: worker-failed"


async def test_a_worker_killed_after_some_sound_is_an_error_event_never_a_bare_close(house: House) -> None:
    """Home Assistant would cache the stump and serve it ever after."""
    engine = WatchedTts(held=True)
    piper = await house.tts_worker("piper", engine)
    await house.tts_worker("espeak")
    server = await house.tts(["piper", "espeak"])
    async with connect(server.uri) as client:
        await client.send(Synthesize("one two three"))
        await client.receive_until("audio-chunk")
        piper.kill()
        events = await client.receive_until("audio-stop")
        assert (events[-1].type, events[-1].data["code"]) == ("error", "worker-failed")
        assert await client.ended()
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("worker-failed", False)
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


# -- hanging up, deadlines -----------------------------------------------------------------------------------------


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
    await house.tts_worker("piper", Mute())
    server = await house.tts(request_timeout_s=0.1)
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        assert await client.error_code() == "deadline-exceeded"
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("deadline-exceeded", False)
    await until(lambda: not house.threads["piper"].busy)
