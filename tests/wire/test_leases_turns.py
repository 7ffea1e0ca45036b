"""Turns with a coordinator: which lease is asked when, how urgently, and when it ends."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from wire_harness.clients import connect, utterance
from wire_harness.conversing import ScriptedLlm, answer, apology, converse
from wire_harness.engines import WatchedAsr, WatchedTts, fake
from wire_harness.house import WARM, House
from wire_harness.listening import SILENCE, hear
from wire_harness.speaking import pcm_of, say, say_streamed, shape
from wire_harness.waiting import quickest, until
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.tts import Synthesize

from avatar_appliance.coordinator.events import Cancelled, Declared, Released
from avatar_appliance.leases import Urgency

FINAL, FIRST, LATER, BACKGROUND, IDLE = (
    Urgency.FINAL, Urgency.FIRST, Urgency.LATER, Urgency.BACKGROUND, Urgency.IDLE,
)  # fmt: skip


async def test_listening_is_leased_from_the_first_audio_on_and_urgent_once_it_decodes(
    house: House, librivox: bytes
) -> None:
    book = (await house.coordinator("whisper")).book
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    server = await house.asr(["whisper", "small"])
    half = len(librivox) // 2
    async with connect(server.uri) as client:
        await client.send(*utterance(b"", stop=False))
        await until(lambda: server.server.active_requests)
        assert not book.requests
        await client.send(AudioChunk(16_000, 2, 1, librivox[:half]))
        await until(lambda: book.requests)
        (request,) = book.requests
        assert (request.ladder, request.urgency, request.warm) == (("whisper", "small"), IDLE, WARM)
        await client.send(AudioChunk(16_000, 2, 1, librivox[half:]), AudioStop())
        await until(lambda: engine.running)
        assert book.urgencies == [IDLE, FINAL]
        assert list(book.held.values()) == ["whisper"]
        engine.release.set()
        await client.receive_until("transcript")
    await until(lambda: not book.held)
    assert (await house.reports.one()).degraded is None


async def test_a_worker_that_is_loaded_while_the_person_speaks_transcribes(house: House, librivox: bytes) -> None:
    book = (await house.coordinator()).book
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox, stop=False))
        await until(lambda: book.waiting)
        engine = WatchedAsr()
        await house.asr_worker("whisper", engine)
        book.come_up("whisper")
        await client.send(AudioStop())
        assert (await client.receive_until("transcript"))[-1].type == "transcript"
    assert len(engine.audio[0]) * 2 == len(librivox)
    assert (await house.reports.one()).degraded is None


@pytest.mark.parametrize("denial", [("no-memory", None), ("worker-loading", 60.0), ("guest-mode", None)])
async def test_a_denial_while_the_person_speaks_is_asked_again(
    house: House, librivox: bytes, denial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_servers.asr.decode.ASK_AGAIN_S", 0.01)
    book = (await house.coordinator()).book
    book.denial = denial
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox, stop=False))
        await until(lambda: len(book.requests) == (1 if denial[1] else 3))  # not before it may help
        await house.asr_worker("whisper")
        book.up.add("whisper")
        await client.send(AudioStop())
        assert (await client.receive_until("transcript"))[-1].type == "transcript"


@pytest.mark.parametrize(
    "denial",
    [
        ("no-memory", 1.0),
        ("guest-mode", None),
        ("server-full", 1.0),
        ("worker-failed", 30.0),
        ("worker-unavailable", None),
        ("worker-loading", 60.0),
    ],
)
async def test_a_denied_turn_is_a_clear_error_at_once(house: House, librivox: bytes, denial: Any) -> None:
    book = (await house.coordinator()).book
    book.denial = denial
    asr, tts = await house.asr(), await house.tts(wait=False)
    await house.tts_worker("piper")  # so that its voices are known
    await until(lambda: tts.server.handler.info().tts[0].voices)
    loop = asyncio.get_running_loop()

    async def attempt(uri: str, events: list[Event]) -> float:
        async with connect(uri) as client:
            await client.send(*events)
            began_s = loop.time()
            assert await client.error_code() == denial[0]
            return loop.time() - began_s

    assert await quickest(lambda: attempt(asr.uri, utterance(librivox))) < 2
    asked = len(book.requests)
    await attempt(tts.uri, [Synthesize("hello").event()])
    assert len(book.requests) == asked + 1
    assert not book.held


async def test_who_asks_for_a_loading_worker_waits_as_for_one_that_restarts(house: House, librivox: bytes) -> None:
    book = (await house.coordinator()).book
    book.denial = ("worker-loading", 0.2)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: len(book.requests) >= 3)
        await house.asr_worker("whisper")
        book.up.add("whisper")
        assert (await client.receive_until("transcript"))[-1].type == "transcript"


async def test_the_coordinators_reason_for_a_lower_rung_is_in_the_history(house: House, librivox: bytes) -> None:
    await house.coordinator("small", "espeak", "tiny")
    await house.asr_worker("small")
    await house.tts_worker("piper")
    await house.tts_worker("espeak")
    await house.llm_worker("tiny")
    asr, tts = await house.asr(["large", "small"]), await house.tts(["piper", "espeak"])
    conversation = await house.conversation(["chat", "tiny"])
    await hear(asr.uri, librivox)
    await say(tts.uri, "hello")
    await answer(conversation.uri, "hello")
    await until(lambda: len(house.reports.ended) == 3)
    assert [(report.worker, report.degraded) for report in house.reports.ended] == [
        ("small", "small instead of large: test"),
        ("espeak", "espeak instead of piper: test"),
        ("tiny", "tiny instead of chat: test"),
    ]


async def test_a_rung_that_is_granted_and_not_there_is_asked_for_no_more(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_servers.asr.decode.PATIENCE_S", 0.15)
    book = (await house.coordinator("large", "small")).book
    await house.asr_worker("small")
    server = await house.asr(["large", "small"])
    await hear(server.uri, librivox)
    ladders = [request.ladder for request in book.requests]
    assert ladders[-1] == ("small",)
    assert set(ladders[:-1]) == {("large", "small")}
    report = await house.reports.one()
    assert (report.worker, report.degraded) == ("small", "small instead of large: worker-unavailable")
    await until(lambda: not book.held)


async def test_a_killed_worker_that_is_restarted_finishes_the_turn(house: House, librivox: bytes) -> None:
    book = (await house.coordinator("whisper")).book
    engine = WatchedAsr(held=True)
    first_life = await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        first_life.kill()
        (lease_id,) = book.held
        book.up.clear()
        book.revoke(lease_id)
        await until(lambda: book.waiting)
        await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript="second life")))
        book.come_up("whisper")
        assert Transcript.from_event((await client.receive_until("transcript"))[-1]).text == "second life"
    engine.release.set()


# -- hanging up ----------------------------------------------------------------------------------------------------


async def test_after_a_hang_up_the_lease_ends_when_the_uninterruptible_call_has_ended(
    house: House, librivox: bytes
) -> None:
    book = (await house.coordinator("whisper")).book
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        client.abort()
        await until(lambda: engine.stops[0].is_set() and not worker.server.active_requests)
    # It computes on for nobody: others need not make room for it, but it is no victim either.
    await until(lambda: book.urgencies[-1] is BACKGROUND)
    await until(lambda: len(worker.server.connections) == 1 and worker.server.connections[0]._idle_watch)
    assert list(book.held.values()) == ["whisper"]
    engine.release.set()
    await until(lambda: not book.held)
    assert isinstance(book.events[-1], Released)


async def test_after_a_hang_up_in_mid_sentence_the_lease_ends_with_the_engines_call(house: House) -> None:
    book = (await house.coordinator("piper")).book
    go = threading.Event()

    class Deaf(WatchedTts):
        def synthesize(self, *arguments: Any) -> Any:
            yield from super().synthesize(*arguments)
            assert go.wait(30)

    engine = Deaf()
    await house.tts_worker("piper", engine)
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello"))
        await client.receive_until("audio-chunk")
        client.abort()
        await until(lambda: book.urgencies[-1] is BACKGROUND)
    assert list(book.held.values()) == ["piper"]
    assert house.threads["piper"].busy
    go.set()
    await until(lambda: not book.held)
    assert not house.threads["piper"].busy


async def test_after_a_hang_up_on_a_worker_that_dies_the_lease_ends_with_it(house: House, librivox: bytes) -> None:
    book = (await house.coordinator("whisper")).book
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        client.abort()
    await until(lambda: book.urgencies[-1] is BACKGROUND)
    worker.kill()
    await until(lambda: not book.held)
    engine.release.set()


async def test_a_worker_that_never_becomes_idle_is_not_believed_for_ever(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wyoming_servers.backends.worker_access.IDLE_WAIT_S", 0.02)
    book = (await house.coordinator("whisper")).book
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        client.abort()
        await until(lambda: book.held == {})
    assert "computes on" in caplog.text
    engine.release.set()


async def test_a_trial_that_speech_overtook_keeps_its_lease_while_it_computes(house: House, librivox: bytes) -> None:
    """And what follows has a lease of its own."""
    from wyoming.asr import Transcribe

    from wyoming_servers.asr.decode import Decoder
    from wyoming_servers.backends.worker_access import WorkerAccess

    book = (await house.coordinator("whisper")).book
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    access: WorkerAccess = house.access()
    decoder = Decoder(house.links(["whisper"]), Transcribe(), access)
    decoder.feed(librivox)
    decoder.start_trial()
    await until(lambda: engine.running)
    await decoder.drop_trial()
    decoder.feed(librivox)
    await until(lambda: len(book.held) == 2)
    await until(
        lambda: book.urgencies == [IDLE, FINAL, BACKGROUND, IDLE] or book.urgencies == [FINAL, BACKGROUND, IDLE]
    )
    engine.release.set()
    await until(lambda: len(book.held) == 1)
    assert (await decoder.result()).text == "turn on the kitchen light"
    await until(lambda: not book.held)


async def test_silence_for_which_no_worker_is_needed_gives_the_lease_back(house: House) -> None:
    book = (await house.coordinator("whisper")).book
    await house.asr_worker("whisper")
    server = await house.asr()
    assert (await hear(server.uri, SILENCE)).text == ""
    await until(lambda: book.requests and not book.held and not book.waiting)


async def test_a_hang_up_while_the_lease_is_awaited_cancels_it(house: House) -> None:
    book = (await house.coordinator()).book
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hello"))
        await until(lambda: book.waiting)
        client.abort()
        await until(lambda: not book.waiting)
    assert isinstance(book.events[-1], Cancelled)


async def test_a_foreign_server_is_leased_too_and_given_back_at_once(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be asked whether it is idle."""
    from avatar_appliance.config.workers import WyomingWorker
    from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink

    book = (await house.coordinator("far")).book
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    settings = WyomingWorker(engine="wyoming", wyoming_role="asr", uri=worker.uri)
    monkeypatch.setattr(house, "links", lambda _: [WyomingWorkerLink("far", settings, house.runtime_dir)])
    server = await house.asr(["far"])
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        assert list(book.held.values()) == ["far"]
        client.abort()
        await until(lambda: not book.held)
    assert engine.running
    engine.release.set()


# -- speaking and thinking -----------------------------------------------------------------------------------------


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


async def test_a_hang_up_on_a_model_gives_the_lease_back_at_once(house: House) -> None:
    """Chat endpoints abort what nobody listens to."""
    book = (await house.coordinator("chat")).book
    llm = ScriptedLlm("one, ", "two")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hello"))
        await client.receive_until("handled-chunk")
        client.abort()
        await until(lambda: not book.held)
    llm.go.set()


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
    server = await house.conversation()
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


# -- the coordinator comes and goes --------------------------------------------------------------------------------


async def test_a_coordinator_that_restarts_harms_no_running_turn_and_hears_of_it(house: House, librivox: bytes) -> None:
    coordinator = await house.coordinator("whisper", "piper", "chat")
    asr_engine, tts_engine, llm = WatchedAsr(held=True), WatchedTts(held=True), ScriptedLlm("one, ", "two")
    llm.go.clear()
    await house.asr_worker("whisper", asr_engine)
    await house.tts_worker("piper", tts_engine)
    await house.llm_worker("chat", llm.app)
    asr, tts, conversation = await house.asr(), await house.tts(), await house.conversation()
    async with connect(asr.uri) as listening, connect(tts.uri) as speaking, connect(conversation.uri) as thinking:
        await listening.send(*utterance(librivox))
        await speaking.send(Synthesize("one two"))
        await thinking.send(Transcript("hello"))
        await until(lambda: asr_engine.running)
        await speaking.receive_until("audio-chunk")
        await thinking.receive_until("handled-chunk")
        await coordinator.stop()
        await until(lambda: not house.leases.connected)
        book = await coordinator.start()
        await until(lambda: house.leases.connected)
        declared = {event.worker: event.urgency for event in book.events if isinstance(event, Declared)}
        assert declared == {"whisper": FINAL, "piper": LATER, "chat": LATER}
        asr_engine.release.set()
        tts_engine.release.set()
        llm.go.set()
        assert (await listening.receive_until("transcript"))[-1].type == "transcript"
        assert (await speaking.receive_until("audio-stop"))[-1].type == "audio-stop"
        assert (await thinking.receive_until("handled"))[-1].data["text"] == "one, two"
    await until(lambda: not book.held)
    assert not book.requests


async def test_turns_work_while_the_coordinator_is_away_and_are_declared_when_it_is_back(
    house: House, librivox: bytes
) -> None:
    coordinator = await house.coordinator()
    await coordinator.stop()
    await until(lambda: not house.leases.connected)
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    await house.tts_worker("piper")
    await house.llm_worker("chat", answer="fine")
    asr, tts, conversation = await house.asr(), await house.tts(), await house.conversation()
    assert pcm_of(await say(tts.uri, "hello"))
    assert (await converse(conversation.uri, "hello"))[-1].data["text"] == "fine"
    async with connect(asr.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        book = await coordinator.start()
        await until(lambda: book.held)
        assert list(book.held.values()) == ["whisper"]
        engine.release.set()
        await client.receive_until("transcript")
    await until(lambda: not book.held)


async def test_a_turn_that_waits_for_a_worker_asks_the_coordinator_when_that_is_back(
    house: House, librivox: bytes
) -> None:
    """Nothing is started blind; but the start is asked for as soon as there is somebody to ask."""
    coordinator = await house.coordinator()
    await coordinator.stop()
    await until(lambda: not house.leases.connected)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: server.server.active_requests)
        book = await coordinator.start()
        await until(lambda: book.waiting)
        await house.asr_worker("whisper")
        book.come_up("whisper")
        assert (await client.receive_until("transcript"))[-1].type == "transcript"


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
