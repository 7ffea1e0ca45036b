"""Speech made ahead of time: while the language model writes, before anybody asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
from wire_harness.clients import connect
from wire_harness.conversing import ScriptedLlm, answer
from wire_harness.engines import WatchedTts
from wire_harness.house import House
from wire_harness.servers import Served
from wire_harness.speaking import pcm_of, say, say_streamed, shape
from wire_harness.waiting import until
from wyoming.asr import Transcript
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.leases import Urgency
from avatar_appliance.speech import SpeechFigures
from avatar_appliance.speech.client import speech_figures
from avatar_appliance.speech.messages import (
    LIMITS,
    SPEECH_SOCKET,
    AnswerEnded,
    AnswerPart,
    FiguresWanted,
    from_event,
    to_event,
)
from avatar_appliance.wire import open_reader, read_event, write_event
from wyoming_servers.ahead import HandOver
from wyoming_servers.tts.recording import RecordingState

ANSWER = "The light in the kitchen is on. The door is shut."
PIECES = ["The light in the kitchen is on.", "The door is shut."]


class Teller:
    """Says what the conversation server would."""

    def __init__(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        self.writer = writer
        self.reader = reader
        self._offsets: dict[str, int] = {}

    async def say(self, text: str, name: str = "a1", *, ends: bool = True, satellite: str | None = None) -> None:
        offset = self._offsets.get(name, 0)
        self._offsets[name] = offset + len(text)
        part = AnswerPart(answer_id=name, text=text, offset=offset, satellite_id=satellite)
        await write_event(self.writer, to_event(part))
        if ends:
            await self.end(name)

    async def end(self, name: str = "a1", *, cancelled: bool = False) -> None:
        await write_event(self.writer, to_event(AnswerEnded(answer_id=name, cancelled=cancelled)))

    def skip(self, chars: int, name: str = "a1") -> None:
        """Go on as if so many characters more had been said."""
        self._offsets[name] += chars

    async def figures(self) -> SpeechFigures:
        """Ask on the same connection: everything said before has been taken then."""
        await write_event(self.writer, to_event(FiguresWanted()))
        event = await read_event(self.reader, LIMITS)
        assert event is not None
        return from_event(event, (SpeechFigures,))


@contextlib.asynccontextmanager
async def telling(house: House) -> AsyncIterator[Teller]:
    reader, writer = await open_reader(str(house.runtime_dir / SPEECH_SOCKET), limits=LIMITS)
    try:
        yield Teller(writer, reader)
    finally:
        writer.close()


async def talking_house(house: House, engine: WatchedTts, llm: ScriptedLlm) -> tuple[Served, Served]:
    """Start a house with all it takes to hand answers over; return conversation and text-to-speech."""
    await house.tts_worker("piper", engine)
    tts = await house.tts()
    await house.llm_worker("chat", llm.app)
    conversation = await house.conversation()
    hand_over = HandOver(house.runtime_dir)
    house._run(hand_over.run())
    await until(lambda: hand_over._connected)
    conversation.server.handler._agent.hand_over = hand_over  # type: ignore[attr-defined]
    return conversation, tts


def _has_been_asked(engine: WatchedTts, times: int) -> bool:
    return engine.finished >= times


async def figures(house: House) -> SpeechFigures:
    return await speech_figures(house.runtime_dir)


async def test_an_answer_is_spoken_while_it_is_written_and_synthesised_once(house: House) -> None:
    engine = WatchedTts()
    llm = ScriptedLlm("The light in the kitchen ", "is on. The ", "door is shut.")
    conversation, tts = await talking_house(house, engine, llm)
    text = await answer(conversation.uri, "what is on?")
    await until(lambda: engine.finished == 2)  # before anybody asked for it
    events = await say_streamed(tts.uri, text)
    assert shape(events) == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert engine.texts == PIECES
    report = next(report for report in house.reports.ended if report.kind == "speak")
    assert (report.detail["pieces"], report.detail["pieces_ahead"], report.degraded) == (2, 2, None)
    told = await figures(house)
    assert (told.ahead_answers, told.ahead_made, told.ahead_used, told.ahead_wasted) == (1, 2, 2, 0)


async def test_speech_begins_before_the_model_has_finished_writing(house: House) -> None:
    engine = WatchedTts()
    llm = ScriptedLlm("The light in the kitchen is on. The ", "door is shut.")
    llm.go.clear()
    conversation, _ = await talking_house(house, engine, llm)
    async with connect(conversation.uri) as client:
        await client.send(Transcript("what is on?", language="en"))
        await until(lambda: engine.finished == 1)
        assert engine.texts == PIECES[:1]
        llm.go.set()
        await client.receive_until("handled")


async def test_a_client_that_hangs_up_on_the_answer_ends_the_speech(house: House) -> None:
    engine = WatchedTts(held=True)
    llm = ScriptedLlm("The light in the kitchen is on. The ", "door is shut.")
    llm.go.clear()
    conversation, _ = await talking_house(house, engine, llm)
    async with connect(conversation.uri) as client:
        await client.send(Transcript("what is on?", language="en"))
        await until(lambda: engine.asked)
        client.abort()
        await until(lambda: engine.finished)
    assert engine.stops[0].is_set()
    assert (await figures(house)).ahead_wasted == 1
    engine.release.set()
    llm.go.set()


async def test_what_sounds_ahead_of_time_is_what_sounds_without_it(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    plain = pcm_of(await say(server.uri, ANSWER))
    async with telling(house) as teller:
        await teller.say(ANSWER)
        await until(lambda: engine.finished == 4)
        assert pcm_of(await say(server.uri, ANSWER)) == plain
    assert len(engine.asked) == 4


async def test_a_piece_that_is_under_way_is_joined_not_made_twice(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller, connect(server.uri) as client:
        await teller.say(ANSWER)
        await until(lambda: engine.asked)
        await client.send(Synthesize(ANSWER))
        await client.receive_until("audio-chunk")
        engine.release.set()
        await client.receive_until("audio-stop")
    assert engine.texts == PIECES


async def test_it_takes_the_voice_that_this_satellite_used_last(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    mandarin, english = SynthesizeVoice(name="fake-zh-TW"), SynthesizeVoice(name="fake-en")
    async with telling(house) as teller:
        # The first answers are spoken in the voice used last anywhere, which is wrong, and learnt from.
        for number, (satellite, voice) in enumerate([("kitchen", mandarin), ("hall", english)]):
            await teller.say(f"Answer number one {satellite}.", f"a{number}", satellite=satellite)
            await until(partial(_has_been_asked, engine, 2 * number + 1))
            await say(server.uri, f"Answer number one {satellite}.", voice=voice)
        for satellite, voice in (("kitchen", mandarin), ("hall", english)):
            before = engine.finished
            await teller.say(f"Answer number two {satellite}.", satellite, satellite=satellite)
            await until(partial(_has_been_asked, engine, before + 1))
            assert engine.asked[-1] == (f"Answer number two {satellite}.", voice.name, None)
            await say(server.uri, f"Answer number two {satellite}.", voice=voice)
            assert engine.finished == before + 1


async def test_the_default_voice_by_its_name_is_the_voice_it_was_made_in(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller:
        await teller.say(ANSWER)
        await until(lambda: engine.finished == 2)
        await say(server.uri, ANSWER, voice=SynthesizeVoice(name="fake-en"))
    assert engine.texts == PIECES


async def test_equal_sentences_of_two_answers_are_made_once(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    await house.tts()
    async with telling(house) as teller:
        for name in ("a1", "a2"):
            await teller.say("It is done.", name)
        assert (await teller.figures()).ahead_answers == 2
        engine.release.set()
        await until(lambda: engine.finished)
        assert (await teller.figures()).ahead_made == 1
    assert engine.texts == ["It is done."]


async def test_it_never_loads_a_worker_and_yields_to_who_waits(house: House) -> None:
    engine = WatchedTts(held=True)
    worker = await house.tts_worker("piper", engine)
    book = (await house.coordinator("piper")).book
    server = await house.tts()
    async with telling(house) as teller, connect(server.uri) as client:
        await teller.say(ANSWER)
        await until(lambda: engine.asked)
        assert book.urgencies == [Urgency.BACKGROUND]
        await client.send(Synthesize(ANSWER))
        await client.receive_until("audio-chunk")
        # Somebody waits for it now; once it sounds, others are in more of a hurry.
        assert book.urgencies[1:3] == [Urgency.FIRST, Urgency.LATER]
        engine.release.set()
        await client.receive_until("audio-stop")
    worker.kill()
    asked, answers = len(book.requests), server.server.handler._tools.ahead._answers  # type: ignore[attr-defined]
    async with telling(house) as teller:
        await teller.say("Nobody is there to say this.", "a2")
        await until(lambda: (found := answers.get("a2")) is not None and found.called_off)
    assert len(book.requests) == asked


async def test_another_turns_first_clause_takes_the_worker_from_speech_nobody_asked_for(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller, connect(server.uri) as client:
        await teller.say(ANSWER)
        await until(lambda: engine.asked)
        await client.send(Synthesize("Another turn."))
        await until(lambda: engine.texts[-1] == "Another turn.")
        assert engine.stops[0].is_set()
        engine.release.set()
        await client.receive_until("audio-stop")
    assert (await figures(house)).ahead_wasted == 1


async def test_an_answer_that_is_called_off_ends_at_once_and_may_still_be_asked_for(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller:
        await teller.say(ANSWER, ends=False)
        await until(lambda: engine.asked)
        await teller.end(cancelled=True)
        await until(lambda: engine.finished)
        engine.release.set()
        await say(server.uri, ANSWER)
    assert engine.texts == [PIECES[0], *PIECES]


async def test_a_listener_that_hangs_up_ends_what_is_made_for_it(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller, connect(server.uri) as client:
        await teller.say(ANSWER)
        await until(lambda: engine.asked)
        await client.send(Synthesize(ANSWER))
        await client.receive_until("audio-chunk")
        client.abort()
        await until(lambda: engine.finished)
    assert engine.texts == PIECES[:1]
    engine.release.set()


async def test_the_end_of_the_conversation_server_calls_its_open_answers_off(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    await house.tts()
    async with telling(house) as teller:
        await teller.say(ANSWER, ends=False)
        await until(lambda: engine.asked)
    await until(lambda: engine.finished)
    engine.release.set()


async def test_an_answer_nobody_asks_for_is_dropped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.tts.ahead_of_time.UNWANTED_S", 0.0)
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller:
        await teller.say(ANSWER)
        assert (await teller.figures()).ahead_answers == 1
        await until(lambda: not server.server.handler._tools.ahead._answers)  # type: ignore[attr-defined]
    assert len(engine.asked) <= 1
    engine.release.set()


async def test_an_answer_of_which_a_part_was_lost_is_not_made_up(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller:
        await teller.say("The light in the kitchen is on. The ", ends=False)
        answers = server.server.handler._tools.ahead._answers  # type: ignore[attr-defined]
        await until(lambda: "a1" in answers and answers["a1"].recordings)
        await until(lambda: answers["a1"].recordings[0].state is RecordingState.DONE)  # the engine ends earlier
        teller.skip(5)
        await teller.say(" is shut. And the heating is off.")
        await teller.figures()
        await say(server.uri, "The light in the kitchen is on. The door is shut.")
    assert engine.texts == PIECES


async def test_a_conversation_that_is_not_heard_in_time_loses_parts_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_servers.ahead.hand_over.MOST_WAITING", 0)
    engine = WatchedTts()
    conversation, _ = await talking_house(house, engine, ScriptedLlm("The light ", "is on."))
    assert await answer(conversation.uri, "what is on?") == "The light is on."
    assert engine.asked == []


async def test_switched_off_nothing_is_made(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    await house.tts(settings={"speech": {"ahead_of_time": False}})
    async with telling(house) as teller:
        await teller.say(ANSWER)
        told = await teller.figures()
    assert not told.ahead_enabled
    assert (told.ahead_answers, engine.asked) == (0, [])


async def test_nonsense_on_the_socket_is_refused_and_harms_nobody(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with telling(house) as teller:
        teller.writer.write(b'{"type": "answer-part", "data": {"answer_id": "../x", "text": "hi", "offset": 0}}\n')
        event = await read_event(teller.reader, LIMITS)
        assert event is not None
        assert (event.type, event.data["code"]) == ("error", "bad-request")
    assert shape(await say(server.uri, "hello")) == ["audio-start", "audio-chunk", "audio-stop"]


async def test_a_house_without_a_text_to_speech_server_answers_as_ever(house: House) -> None:
    await house.llm_worker("chat", ScriptedLlm("Hello there.").app)
    conversation = await house.conversation()
    hand_over = HandOver(house.runtime_dir)
    house._run(hand_over.run())
    conversation.server.handler._agent.hand_over = hand_over  # type: ignore[attr-defined]
    assert await answer(conversation.uri, "hi") == "Hello there."
