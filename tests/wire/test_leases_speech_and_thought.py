"""Leases of the text-to-speech and the conversation server."""

from __future__ import annotations

from typing import Any

import pytest
from wire_harness.clients import connect
from wire_harness.conversing import ScriptedLlm, answer, apology
from wire_harness.engines import WatchedTts, fake
from wire_harness.house import House
from wire_harness.speaking import say, say_streamed, shape
from wire_harness.waiting import until
from wyoming.asr import Transcript
from wyoming.tts import Synthesize

from avatar_appliance.coordinator.events import Released
from avatar_appliance.leases import Urgency

FINAL, FIRST, LATER, BACKGROUND, IDLE = (
    Urgency.FINAL, Urgency.FIRST, Urgency.LATER, Urgency.BACKGROUND, Urgency.IDLE,
)  # fmt: skip


async def test_each_piece_has_a_lease_and_only_the_first_is_in_a_hurry(house: House) -> None:
    book = (await house.coordinator("piper")).book
    await house.tts_worker("piper")
    server = await house.tts()
    events = await say_streamed(server.uri, "The light is on. And the door is shut. ", "It is late.")
    assert shape(events)[-1] == "synthesize-stopped"
    asked = [(request.ladder, request.urgency) for request in book.requests]
    assert asked == [(("piper",), FIRST), (("piper",), LATER), (("piper",), LATER)]
    assert book.told[1] == (book.requests[0].lease_id, LATER)  # once its first sound is out
    await until(lambda: not book.held)
    releases = [event.lease_id for event in book.events if isinstance(event, Released)]
    assert releases == [request.lease_id for request in book.requests]


async def test_a_voice_asks_for_its_worker_and_those_that_may_stand_in(house: House) -> None:
    book = (await house.coordinator("piper", "espeak")).book
    for name in ("piper", "espeak"):
        await house.tts_worker(name, WatchedTts(fake("tts", languages=["en", "en-GB"])))
    server = await house.tts(["piper", "espeak"])
    await say(server.uri, "hello")
    assert [request.ladder for request in book.requests] == [("piper", "espeak")]


async def test_thinking_is_urgent_until_the_first_clause_is_out(house: House) -> None:
    book = (await house.coordinator("chat")).book
    llm = ScriptedLlm("The light", " is on,", " and the door", " is shut.")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hello"))
        await client.receive_until("handled-chunk")
        assert book.urgencies == [FIRST]
        llm.go.set()
        await client.receive_until("handled")
    await until(lambda: not book.held)
    assert book.urgencies == [FIRST, LATER]


async def test_an_answer_without_punctuation_is_not_urgent_for_ever(house: House) -> None:
    book = (await house.coordinator("chat")).book
    await house.llm_worker("chat", ScriptedLlm(*["word "] * 20).app)
    await answer((await house.conversation()).uri, "hello")
    assert book.urgencies == [FIRST, LATER]


@pytest.mark.parametrize(
    ("code", "language", "said"),
    [
        ("no-memory", "en", "There is no room for my language model right now. Please ask again in a moment."),
        ("no-memory", "zh-TW", "記憶體不夠，我的語言模型暫時載入不了，請稍後再問一次。"),
        ("guest-mode", "en", "The graphics card is busy with something else. I can answer again when it is free."),
        ("guest-mode", "zh-TW", "顯示卡正在忙別的事，等它空出來我就能回答了。"),
        ("worker-loading", "en", "My language model is still starting. Please ask again in a moment."),
        ("server-full", "en", "I am busy with other people right now. Please ask again in a moment."),
        ("worker-failed", "en", "I lost my train of thought. Please ask again."),
    ],
)
async def test_a_denied_thought_is_a_friendly_sentence(house: House, code: Any, language: str, said: str) -> None:
    book = (await house.coordinator()).book
    book.denial = (code, 60.0)
    server = await house.conversation()
    assert await apology(server.uri, language=language) == said
    assert (await house.reports.one()).error_code == code


async def test_a_conversation_too_long_gives_its_lease_back_before_it_asks_again(house: House) -> None:
    book = (await house.coordinator("chat")).book
    llm = ScriptedLlm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"summarise": False})
    for number in range(3):
        await answer(server.uri, f"q{number}")
    llm.most_messages = 6
    assert await answer(server.uri, "q3") == "ok"
    await until(lambda: not book.held)
    assert len(book.requests) == 5


async def test_a_worker_that_never_told_its_voices_is_brought_up_for_the_first_who_needs_one(house: House) -> None:
    book = (await house.coordinator()).book
    server = await house.tts(wait=False)
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        await until(lambda: book.waiting)
        (request,) = book.requests
        assert (request.ladder, request.urgency) == (("piper",), IDLE)
        await house.tts_worker("piper")
        book.come_up("piper")
        assert shape(await client.receive_until("audio-stop"))[-1] == "audio-stop"
    await until(lambda: not book.held)


async def test_between_two_sentences_the_voice_is_held_but_takes_nobodys_place(house: House) -> None:
    """Else it could be sent away, and the voice change, in the middle of an answer."""
    book = (await house.coordinator("piper")).book
    await house.tts_worker("piper", WatchedTts())
    server = await house.tts(["piper"])
    await say(server.uri, "This is the first sentence. This is the second one.")
    await until(lambda: not book.held)
    first, second = (request.lease_id for request in book.requests)
    order = [(type(event).__name__, getattr(event, "lease_id", second)) for event in book.events]
    assert order.index(("Requested", second)) < order.index(("Released", first))
    assert [urgency for lease_id, urgency in book.told if lease_id == first] == [FIRST, LATER, IDLE]
