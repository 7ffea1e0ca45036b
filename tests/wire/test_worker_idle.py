"""Asking a worker whether it really stopped: cancelled is not idle."""

from __future__ import annotations

import asyncio
import threading

import pytest
from wire_harness.clients import Client, connect, utterance
from wire_harness.engines import WatchedAsr
from wire_harness.house import House
from wire_harness.scripted import ScriptedHandler
from wire_harness.servers import Servers
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.info import Describe

from wyoming_servers.base import WAIT_IDLE
from wyoming_servers.workers.engine import EngineThread, StopFlag

SECOND = bytes(32_000)
IDLE_TYPE = "avatar-idle"


async def test_a_server_without_an_engine_is_idle_at_once(servers: Servers) -> None:
    server = await servers.start(ScriptedHandler())
    async with connect(server.uri) as client:
        await client.send(WAIT_IDLE)
        assert (await client.receive()).type == IDLE_TYPE


async def test_a_worker_is_idle_when_the_call_of_a_client_that_is_gone_has_ended(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    async with connect(worker.uri) as asking:
        async with connect(worker.uri) as gone:
            await gone.send(*utterance(SECOND))
            await until(lambda: engine.running)
            gone.abort()
        await asking.send(WAIT_IDLE, WAIT_IDLE, Describe())  # twice is once; and the connection goes on meanwhile
        assert (await asking.receive()).type == "info"
        engine.release.set()
        assert (await asking.receive()).type == IDLE_TYPE
        await asking.send(Describe())
        assert (await asking.receive()).type == "info"
    assert not house.threads["whisper"].busy


async def test_asking_is_no_request_and_holds_up_no_drain(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine, max_turns=1, drain_s=60)
    async with connect(worker.uri) as gone:
        await gone.send(*utterance(SECOND))
        await until(lambda: engine.running)
        gone.abort()
    async with connect(worker.uri) as asking:
        await asking.send(WAIT_IDLE)
        await until(lambda: not worker.server.active_requests and any(c._idle_watch for c in worker.server.connections))
        async with asyncio.timeout(5):
            stopping = asyncio.create_task(worker.server.stop())
            assert await asking.error_code() == "shutting-down"
            await stopping
    engine.release.set()


async def test_who_asks_and_leaves_leaves_nothing_behind(house: House) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)

    async def ask_and_leave(client: Client) -> None:
        await client.send(WAIT_IDLE)
        await until(lambda: any(c._idle_watch for c in worker.server.connections))
        client.abort()

    async with connect(worker.uri) as busy:
        await busy.send(*utterance(SECOND))
        await until(lambda: engine.running)
        async with connect(worker.uri) as client:
            await ask_and_leave(client)
        await until(lambda: len(worker.server.connections) == 1)
        assert not any(task.get_name().startswith("idle watch") for task in asyncio.all_tasks())
        engine.release.set()
        assert (await busy.receive()).type == "transcript"


async def test_another_servers_answer_to_it_is_silence(servers: Servers) -> None:
    """What a stock Wyoming server does with an event it does not know: nothing. Ours, with any other one."""
    server = await servers.start(ScriptedHandler())
    async with connect(server.uri) as client:
        await client.send(Event("avatar-wait-for-godot"), Describe())
        assert (await client.receive()).type == "info"


@pytest.fixture
def thread() -> EngineThread:
    return EngineThread(max_waiting=2, wait_s=10)


async def test_a_thread_waits_for_the_call_that_runs_and_not_for_those_after_it(thread: EngineThread) -> None:
    await thread.wait_idle()
    first, second = threading.Event(), threading.Event()

    def call(release: threading.Event) -> None:
        assert release.wait(30)

    running = asyncio.create_task(thread.call(lambda _stop: call(first)))
    await until(lambda: thread.busy)
    next_one = asyncio.create_task(thread.call(lambda _stop: call(second)))
    await until(lambda: thread.waiting == 1)
    waiting = asyncio.create_task(thread.wait_idle())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.set()
    await waiting
    assert thread.busy
    second.set()
    await asyncio.gather(running, next_one)
    thread.close()


async def test_a_call_that_fails_is_over_too(thread: EngineThread) -> None:
    go = threading.Event()

    def broken(_stop: StopFlag) -> None:
        assert go.wait(30)
        raise ZeroDivisionError

    running = asyncio.create_task(thread.call(broken))
    await until(lambda: thread.busy)
    waiting = asyncio.create_task(thread.wait_idle())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not waiting.done()
    go.set()
    await waiting
    thread.close()
