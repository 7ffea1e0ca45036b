"""Turns while the coordinator is away, restarts or comes back."""

from __future__ import annotations

from wire_harness.clients import connect, utterance
from wire_harness.conversing import ScriptedLlm, converse
from wire_harness.engines import WatchedAsr, WatchedTts
from wire_harness.house import House
from wire_harness.speaking import pcm_of, say
from wire_harness.waiting import until
from wyoming.asr import Transcript
from wyoming.tts import Synthesize

from avatar_appliance.coordinator.events import Declared
from avatar_appliance.leases import Urgency

FINAL, FIRST, LATER, BACKGROUND, IDLE = (
    Urgency.FINAL, Urgency.FIRST, Urgency.LATER, Urgency.BACKGROUND, Urgency.IDLE,
)  # fmt: skip


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
