"""Turns with a coordinator: which lease is asked when, how urgently, and when it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wire_harness.clients import connect, utterance
from wire_harness.conversing import answer
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import WARM, House
from wire_harness.listening import SILENCE, hear
from wire_harness.speaking import say
from wire_harness.waiting import quickest, until
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.tts import Synthesize

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


async def test_silence_for_which_no_worker_is_needed_gives_the_lease_back(house: House) -> None:
    book = (await house.coordinator("whisper")).book
    await house.asr_worker("whisper")
    server = await house.asr()
    assert (await hear(server.uri, SILENCE)).text == ""
    await until(lambda: book.requests and not book.held and not book.waiting)


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
