"""When a lease ends: once its worker has really stopped computing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from wire_harness.clients import connect, utterance
from wire_harness.conversing import ScriptedLlm
from wire_harness.engines import WatchedAsr, WatchedTts
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.asr import Transcript
from wyoming.tts import Synthesize

from avatar_appliance.coordinator.events import Cancelled, Released
from avatar_appliance.leases import Urgency

FINAL, FIRST, LATER, BACKGROUND, IDLE = (
    Urgency.FINAL, Urgency.FIRST, Urgency.LATER, Urgency.BACKGROUND, Urgency.IDLE,
)  # fmt: skip


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


async def test_a_hang_up_while_the_lease_is_awaited_cancels_it(house: House) -> None:
    book = (await house.coordinator()).book
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hello"))
        await until(lambda: book.waiting)
        client.abort()
        await until(lambda: not book.waiting)
    assert isinstance(book.events[-1], Cancelled)


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
