"""What the box just said, heard by its own ears, over real sockets; what a person says is never lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from wire_harness.clients import connect
from wire_harness.engines import WatchedAsr, WatchedTts, fake
from wire_harness.house import House
from wire_harness.listening import SILENCE, hear, hear_live
from wire_harness.people import (
    ANNA,
    BEN,
    STRANGER,
    ScriptedSpeaker,
    WatchedIdentifier,
    direction,
    identifier,
    profile,
    write_profiles,
)
from wire_harness.profiles import FAST, CloningTts, Household
from wire_harness.servers import Served
from wire_harness.speaking import say, say_streamed
from wire_harness.waiting import until
from wyoming.asr import Transcribe, Transcript
from wyoming.tts import SynthesizeVoice

from avatar_appliance.client import UnixEndpoint, synthesize
from avatar_appliance.config.echo_guard import EchoGuardSettings
from avatar_appliance.speakers import SpeakerEmbedding
from avatar_appliance.speech.messages import LIMITS, SPEECH_SOCKET, TOLD, from_event
from avatar_appliance.speech.said import SaidWanted
from avatar_appliance.turns.report import StageReport
from avatar_appliance.wire import UnixServer, read_event
from wyoming_servers.echo.box_voices import LearntVoices, learning_voices
from wyoming_servers.echo.guard import SpeechEchoGuard
from wyoming_servers.echo.said_memory import SaidMemory
from wyoming_servers.own_voice.keeper import UtteranceKeeper
from wyoming_servers.own_voice.reference import Sound
from wyoming_servers.speaker.identification import Identification

ANSWER = "The light in the kitchen is on, and the heating is set to twenty-one degrees."
ANSWER_ZH = "廚房的燈已經打開了，暖氣設定為二十一度。"
BOX = direction(0, 0, 0, 1)
"""The box's own voice."""
SAMPLE_S = 6
# What the fake engine takes longer to say than a sample is.
MUCH = (
    "One two three four five six seven eight nine ten, eleven twelve thirteen fourteen, fifteen sixteen seventeen. " * 2
)


class Clock:
    """Of the text-to-speech server: what it says is being played until the test moves it on."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be slow, and a late answer is no guard."""
    monkeypatch.setattr("wyoming_servers.echo.guard.ANSWER_S", 30.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def mouth(house: House, clock: Clock) -> Served:
    """A text-to-speech server without a speaker worker."""
    await house.tts_worker("piper", WatchedTts())
    return await house.tts(said=SaidMemory(EchoGuardSettings(), clock=clock))


async def heard(house: House, text: str, pcm: bytes, **wish: Any) -> StageReport:
    """Have the recogniser hear `text`, whatever is said; return the stage's report."""
    await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript=text)))
    server = await house.asr()
    transcript = await hear(server.uri, pcm, wish=Transcribe(**wish))
    return await told(house, transcript)


async def told(house: House, transcript: Transcript) -> StageReport:
    await until(lambda: any(report.kind == "transcribe" for report in house.reports.ended))
    report = next(report for report in house.reports.ended if report.kind == "transcribe")
    assert report.text_out == transcript.text
    return report


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (ANSWER, "the light in the kitchen is on and the heating is set to 21 degrees"),
        (ANSWER, "in the kitchen is on and the heating is set to 21 degrees"),
        (ANSWER_ZH, "厨房的灯已经打开了 暖气设定为21度"),
    ],
)
async def test_what_the_box_is_saying_gets_an_empty_transcript(
    house: House, mouth: Served, librivox: bytes, caplog: pytest.LogCaptureFixture, said: str, words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    await say_streamed(mouth.uri, said)
    report = await heard(house, words, librivox)
    assert (report.text_out, report.detail["rejected"], report.error_code) == ("", "echo", None)
    assert "empty transcript: echo" in caplog.text
    quiet = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not any(words in record.getMessage() or said in record.getMessage() for record in quiet)


async def test_the_same_words_later_are_a_person_s(house: House, mouth: Served, clock: Clock, librivox: bytes) -> None:
    await say(mouth.uri, ANSWER)
    clock.now_s += 120
    report = await heard(house, ANSWER, librivox)
    assert (report.text_out, report.detail.get("rejected")) == (ANSWER, None)


@pytest.mark.parametrize("words", ["Yes.", "Seven o'clock.", "Turn the light in the kitchen off.", "好"])
async def test_other_or_few_words_are_a_person_s(house: House, mouth: Served, librivox: bytes, words: str) -> None:
    await say(mouth.uri, ANSWER)
    report = await heard(house, words, librivox)
    assert (report.text_out, report.detail.get("rejected")) == (words, None)


@pytest.mark.parametrize(
    ("said", "reply"), [(ANSWER, "Turn it off again."), (ANSWER_ZH, "把燈關掉。")], ids=["en", "zh"]
)
async def test_a_person_s_reply_after_the_box_s_words_is_what_is_left(
    house: House, mouth: Served, librivox: bytes, said: str, reply: str
) -> None:
    await say(mouth.uri, said)
    report = await heard(house, f"{said} {reply}", librivox)
    assert report.text_out == reply
    assert report.detail["echo_cut"] is True
    assert "rejected" not in report.detail


async def test_no_voice_is_made_of_an_utterance_that_is_half_the_box_s(
    house: House, mouth: Served, librivox: bytes
) -> None:
    told: list[str | None] = []

    class Keeper:
        async def take(self, text: str, language: str | None, sound: Sound, *, trouble: str | None = None) -> None:
            told.append(trouble)

    await say(mouth.uri, ANSWER)
    for name, words in (("both", f"{ANSWER} Turn it off again."), ("person", "Turn it off again.")):
        await house.asr_worker(name, WatchedAsr(fake("asr", transcript=words)))
        server = await house.asr([name], keeper=cast(UtteranceKeeper, Keeper()))
        assert (await hear(server.uri, librivox)).text == "Turn it off again."
    assert told == ["the box spoke, too", None]


async def test_what_is_not_played_has_no_echo(house: House, mouth: Served, librivox: bytes) -> None:
    """Our own client puts it into a file: canaries, `avatar bench`, tests that let the box stand in for a person."""
    await synthesize(UnixEndpoint(mouth.path), ANSWER)
    report = await heard(house, ANSWER, librivox)
    assert (report.text_out, report.detail.get("rejected")) == (ANSWER, None)


async def test_what_our_client_plays_has(house: House, mouth: Served, librivox: bytes) -> None:
    await synthesize(UnixEndpoint(mouth.path), ANSWER, played=True)
    assert (await heard(house, ANSWER, librivox)).detail["rejected"] == "echo"


@pytest.mark.parametrize(("satellite", "text"), [("kitchen", ""), ("hall", ANSWER), (None, "")])
async def test_where_it_is_known_another_satellite_s_speech_is_none_of_ours(
    house: House, mouth: Served, librivox: bytes, satellite: str | None, text: str
) -> None:
    await say(mouth.uri, ANSWER, context={"satellite_id": "kitchen"})
    context = {"satellite_id": satellite} if satellite else None
    assert (await heard(house, ANSWER, librivox, context=context)).text_out == text


async def test_switched_off_everything_passes(house: House, mouth: Served, librivox: bytes) -> None:
    await say(mouth.uri, ANSWER)
    await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript=ANSWER)))
    server = await house.asr(settings={"echo_guard": {"enabled": False}})
    assert (await hear(server.uri, librivox)).text == ANSWER


async def test_a_live_stream_that_nobody_ends_is_guarded_too(house: House, mouth: Served, librivox: bytes) -> None:
    await say(mouth.uri, ANSWER)
    await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript=ANSWER)))
    server = await house.asr()
    async with connect(server.uri) as client:
        text, _ = await hear_live(client, librivox, Transcribe())
    assert (text, (await told(house, Transcript(text))).detail["rejected"]) == ("", "echo")


async def test_where_speech_goes_on_after_a_pause_it_is_asked_again(house: House) -> None:
    async with answering(house, b"") as asked:
        check = SpeechEchoGuard(EchoGuardSettings(), house.runtime_dir).begin(Identification())
        check.start(bytearray())
        await until(lambda: asked)
        check.drop()
        check.start(bytearray())
        check.start(bytearray())
        await until(lambda: len(asked) == 2)
        await check.aclose()
    assert asked[0] < asked[1]


@contextlib.asynccontextmanager
async def answering(house: House, answer: bytes) -> AsyncIterator[list[float]]:
    """Have somebody on the speech socket who answers that; give the seconds that questions were about."""
    asked: list[float] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await read_event(reader, LIMITS)) is not None:
            wanted = from_event(event, TOLD)
            assert isinstance(wanted, SaidWanted)
            asked.append(wanted.listened_s)
            writer.write(answer)

    server = UnixServer(house.runtime_dir / SPEECH_SOCKET, serve, limits=LIMITS, max_connections=4)
    await server.start()
    try:
        yield asked
    finally:
        await server.stop()


class TestWithoutAnAnswer:
    """There is a transcript whatever the text-to-speech server does."""

    @pytest.fixture(autouse=True)
    def hurried(self, patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wait no longer than an owner's appliance does."""
        monkeypatch.setattr("wyoming_servers.echo.guard.ANSWER_S", 0.2)

    async def test_nobody_there(self, house: House, librivox: bytes) -> None:
        assert (await heard(house, ANSWER, librivox)).text_out == ANSWER

    @pytest.mark.parametrize(
        "answer",
        [
            b"",  # late
            b"nonsense\n",
            json.dumps({"type": "said-lately", "data": {"said": [{"text": 1}]}}).encode() + b"\n",
            json.dumps({"type": "speech-figures"}).encode() + b"\n",
            json.dumps({"type": "error", "data": {"text": "no", "code": "bad-request"}}).encode() + b"\n",
        ],
        ids=["late", "nonsense", "malformed", "another", "error"],
    )
    async def test_no_use(self, house: House, librivox: bytes, answer: bytes) -> None:
        async with answering(house, answer) as asked:
            report = await heard(house, ANSWER, librivox)
        assert (report.text_out, report.error_code) == (ANSWER, None)
        assert len(asked) <= 1

    async def test_a_defect(self, house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("scripted")

        monkeypatch.setattr("wyoming_servers.echo.guard.may_be_echo", broken)
        await house.tts_worker("piper", WatchedTts())
        server = await house.tts()
        await say(server.uri, ANSWER)
        assert (await heard(house, ANSWER, librivox)).text_out == ANSWER

    async def test_silence_is_not_asked_about(self, house: House) -> None:
        async with answering(house, b""):
            assert (await heard(house, ANSWER, SILENCE)).detail["rejected"] == "no-speech"


class TestTheVoice:
    """With a speaker worker, the box knows how it sounds."""

    @pytest.fixture
    def speaker(self) -> ScriptedSpeaker:
        return ScriptedSpeaker({SAMPLE_S: BOX, 5: ANNA}, BOX)

    @pytest.fixture
    async def voices(self, house: House, speaker: ScriptedSpeaker) -> AsyncIterator[LearntVoices]:
        await house.speaker_worker("who", speaker)
        async with learning_voices(house.links(["who"]), house.access(), ["f5"]) as learning:
            assert isinstance(learning, LearntVoices)
            yield learning

    @pytest.fixture
    async def mouth(self, house: House, clock: Clock, voices: LearntVoices) -> Served:
        """A text-to-speech server that has learnt how it sounds."""
        await house.tts_worker("piper", WatchedTts())
        server = await house.tts(said=SaidMemory(EchoGuardSettings(after_s=30), voices, clock=clock))
        await say(server.uri, MUCH, context={"played": False})
        async with asyncio.timeout(30):
            await voices.wait_for(1)
        return server

    async def heard(
        self, house: House, text: str, pcm: bytes, who: WatchedIdentifier | None = None, *, judged: bool = True
    ) -> StageReport:
        """Have `text` heard; its voice is judged before the transcript is, where `judged`."""
        engine = WatchedAsr(fake("asr", transcript=text), held=judged)
        await house.asr_worker("whisper", engine)
        who = who or identifier(house)
        guard = SpeechEchoGuard(EchoGuardSettings(), house.runtime_dir, who.is_same_person)
        server = await house.asr(identifier=who, echo_guard=guard)
        hearing = asyncio.create_task(hear(server.uri, pcm))
        try:
            if judged:
                await until(lambda: who.has_judged)
        finally:
            engine.release.set()
        return await told(house, await hearing)

    async def household(self, house: House, speaker: ScriptedSpeaker) -> WatchedIdentifier:
        """Return an identifier that knows Anna."""
        write_profiles(house.runtime_dir, profile(house.runtime_dir, "anna", 5))
        who = identifier(house)
        await who.enrolment.look()
        assert {one.profile for one in who.enrolment.people} == {"anna"}
        return who

    async def test_each_voice_is_learnt_once(
        self, house: House, mouth: Served, voices: LearntVoices, speaker: ScriptedSpeaker
    ) -> None:
        await say(mouth.uri, MUCH)
        assert [round(seconds) for seconds in speaker.asked] == [SAMPLE_S]
        assert [voice.model for voice in voices.known.values()] == ["scripted"]
        voices.forget()
        assert not voices.known

    async def test_a_voice_that_cannot_be_learnt_is_tried_again_with_its_next_words(
        self, house: House, speaker: ScriptedSpeaker, voices: LearntVoices
    ) -> None:
        del speaker.references[SAMPLE_S]
        speaker.error = RuntimeError("scripted")
        await house.tts_worker("piper", WatchedTts())
        server = await house.tts(said=SaidMemory(EchoGuardSettings(), voices))
        await say(server.uri, MUCH)
        await until(lambda: speaker.asked and not voices._waiting)
        speaker.error = None
        await say(server.uri, MUCH)
        async with asyncio.timeout(30):
            await voices.wait_for(1)

    @pytest.mark.parametrize("words", ["The light in the kitchen is on.", "and the heating is set"])
    async def test_in_its_own_voice_few_words_are_enough_also_after_its_speech(
        self, house: House, mouth: Served, clock: Clock, librivox: bytes, words: str
    ) -> None:
        await say(mouth.uri, ANSWER)
        clock.now_s += 20
        report = await self.heard(house, words, librivox)
        assert (report.text_out, report.detail["rejected"]) == ("", "echo")

    async def test_in_another_s_voice_the_box_s_words_are_a_quotation(
        self, house: House, mouth: Served, speaker: ScriptedSpeaker, librivox: bytes
    ) -> None:
        await say(mouth.uri, ANSWER)
        speaker.utterance = STRANGER
        assert (await self.heard(house, ANSWER, librivox)).text_out == ANSWER

    async def test_who_is_recognised_is_not_the_box(
        self, house: House, mouth: Served, speaker: ScriptedSpeaker, librivox: bytes
    ) -> None:
        who = await self.household(house, speaker)
        await say(mouth.uri, ANSWER)
        speaker.utterance = ANNA
        report = await self.heard(house, ANSWER, librivox, who)
        assert (report.text_out, report.speaker) == (ANSWER, "anna")

    @pytest.mark.parametrize(
        ("voice", "speech_s"), [(direction(0, 0, 0.8, 0.6), 2.0), (BOX, 0.5)], ids=["either's", "too short"]
    )
    async def test_where_the_voice_says_nothing_the_words_decide(
        self, house: House, mouth: Served, speaker: ScriptedSpeaker, librivox: bytes, voice: SpeakerEmbedding,
        speech_s: float,
    ) -> None:  # fmt: skip
        await say(mouth.uri, ANSWER)
        speaker.utterance, speaker.speech_s = voice, speech_s
        assert (await self.heard(house, "The light in the kitchen.", librivox)).text_out == "The light in the kitchen."
        house.reports.ended.clear()
        assert (await self.heard(house, ANSWER, librivox)).detail["rejected"] == "echo"

    async def test_the_voice_is_waited_for_where_the_words_are_the_box_s(
        self, house: House, mouth: Served, speaker: ScriptedSpeaker, librivox: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wyoming_servers.echo.guard.VOICE_WAIT_S", 30.0)
        await say(mouth.uri, ANSWER)
        speaker.release.clear()
        speaker.utterance = STRANGER
        hearing = asyncio.create_task(self.heard(house, ANSWER, librivox, judged=False))
        await until(lambda: len(speaker.asked) == 2)
        speaker.release.set()
        assert (await hearing).text_out == ANSWER

    async def test_a_late_voice_delays_no_other_words(
        self, house: House, mouth: Served, speaker: ScriptedSpeaker, librivox: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wyoming_servers.echo.guard.VOICE_WAIT_S", 300.0)
        await say(mouth.uri, ANSWER)
        speaker.release.clear()
        report = await self.heard(house, "What time is it?", librivox, judged=False)
        assert report.text_out == "What time is it?"

    async def test_while_the_box_is_silent_no_audio_goes_to_the_speaker_worker(
        self, house: House, mouth: Served, speaker: ScriptedSpeaker, clock: Clock, librivox: bytes
    ) -> None:
        await say(mouth.uri, ANSWER)
        clock.now_s += 1000
        await self.heard(house, ANSWER, librivox, judged=False)
        assert [round(seconds) for seconds in speaker.asked] == [SAMPLE_S]

    @pytest.mark.parametrize(
        ("voice", "words", "text"),
        [
            (ANNA, ANSWER, ""),  # the box, which is taken for her
            (ANNA, "The light in the kitchen.", "The light in the kitchen."),
            (ANNA, "Turn it off again.", "Turn it off again."),
            (BEN, ANSWER, ANSWER),
            (STRANGER, ANSWER, ""),  # what a room makes of her clone's voice
        ],
    )
    async def test_where_the_box_speaks_in_a_person_s_voice_the_words_decide(
        self, house: House, clock: Clock, voices: LearntVoices, speaker: ScriptedSpeaker, librivox: bytes,
        voice: SpeakerEmbedding, words: str, text: str,
    ) -> None:  # fmt: skip
        household = Household(house.runtime_dir, FAST)
        speaker.references[7] = BEN
        for name, seconds in (("Anna", 5), ("Ben", 7)):
            household.add(name, reference=profile(house.runtime_dir, name.lower(), seconds).reference)
        who = identifier(house)
        await who.enrolment.look()
        assert {one.profile for one in who.enrolment.people} == {"anna", "ben"}
        await house.tts_worker("f5", CloningTts("clone:anna:1"))
        said = SaidMemory(EchoGuardSettings(), voices, clock=clock)
        server = await house.tts(["f5"], profiles=household.profiles, said=said)
        await say(server.uri, MUCH, voice=SynthesizeVoice(name="anna"))
        await say(server.uri, ANSWER, voice=SynthesizeVoice(name="anna"))
        speaker.utterance = voice
        assert (await self.heard(house, words, librivox, who)).text_out == text
        assert not voices.known
