"""Bounds: connections, turns, time, memory."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack

import pytest
from wire_harness.clients import Client, connect
from wire_harness.scripted import ScriptedHandler
from wire_harness.servers import Served, Servers
from wire_harness.waiting import PATIENCE_S, until
from wyoming.event import Event
from wyoming.info import Describe

from avatar_appliance.errors import DeadlineExceeded
from wyoming_servers.base import Inbox
from wyoming_servers.base.inbox import EVENT_OVERHEAD_BYTES, MAX_QUEUED_BYTES


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


async def open_idle(stack: AsyncExitStack, served: Served, count: int) -> list[Client]:
    """Return connections that have been accepted and say nothing."""
    clients = []
    for _ in range(count):
        clients.append(await stack.enter_async_context(connect(served.uri)))
        await until(lambda: len([c for c in served.server.connections if not c.is_closing]) >= len(clients))
    return clients


async def test_a_newcomer_gets_in_though_200_connections_are_idle(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, max_connections=200)
    async with AsyncExitStack() as stack:
        idle = await open_idle(stack, served, 200)
        newcomer = await stack.enter_async_context(connect(served.uri))
        await newcomer.send(Describe(), Event("echo"))
        assert (await newcomer.receive()).type == "info"
        assert (await newcomer.receive()).type == "echoed"
        assert await idle[0].error_code() == "idle-timeout"
        await idle[1].send(Event("echo"))
        assert (await idle[1].receive()).type == "echoed"


async def test_a_newcomer_gets_in_though_a_flood_lingers(servers: Servers, handler: ScriptedHandler) -> None:
    """None of them reads that it was told to go, so that all would stay for a second."""
    served = await servers.start(handler, max_connections=10)
    async with AsyncExitStack() as stack:
        for _ in range(60):
            await stack.enter_async_context(connect(served.uri))
        newcomer = await stack.enter_async_context(connect(served.uri))
        await newcomer.send(Event("echo"))
        assert (await newcomer.receive()).type == "echoed"
        assert len(served.server.connections) <= 21


async def test_the_longest_idle_gives_way_not_the_oldest(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, max_connections=3)
    async with AsyncExitStack() as stack:
        clients = await open_idle(stack, served, 3)
        await clients[0].send(Event("echo"))
        await clients[0].receive()
        await open_idle(stack, served, 1)
        assert await clients[1].error_code() == "idle-timeout"
        await clients[0].send(Event("echo"))
        assert (await clients[0].receive()).type == "echoed"


async def test_when_all_are_busy_the_newcomer_is_refused(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, max_connections=2)
    async with AsyncExitStack() as stack:
        busy = await open_idle(stack, served, 2)
        for client in busy:
            await client.send(Event("wait"))
        await until(lambda: handler.counts["wait begun"] == 2)
        async with connect(served.uri) as newcomer:
            assert await newcomer.error_code() == "server-full"
        handler.go.set()
        for client in busy:
            assert (await client.receive()).type == "waited"


async def test_more_requests_than_turns_are_refused_at_once(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, max_turns=2)
    async with AsyncExitStack() as stack:
        first, second, third = await open_idle(stack, served, 3)
        for client in (first, second):
            await client.send(Event("wait"))
        await until(lambda: handler.counts["wait begun"] == 2)
        await third.send(Describe(), Event("echo"))
        assert (await third.receive()).type == "info"
        assert await third.error_code() == "server-full"
        handler.go.set()
        assert (await first.receive()).type == "waited"
        await first.send(Event("echo"))
        assert (await first.receive()).type == "echoed"


async def test_a_silent_connection_ends_after_the_idle_timeout(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, idle_timeout_s=0.05)
    async with connect(served.uri) as client:
        assert await client.error_code() == "idle-timeout"
    async with connect(served.uri) as client:
        await client.send(Event("echo"))
        assert (await client.receive()).type == "echoed"
        assert await client.error_code() == "idle-timeout"


async def test_half_a_message_does_not_hold_a_connection_for_ever(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, idle_timeout_s=0.05)
    reader, writer = await asyncio.open_unix_connection(str(served.path))
    writer.write(b'{"type": "echo", "payload_length": 1000}\nabc')
    async with asyncio.timeout(PATIENCE_S):
        assert b'"error"' in await reader.readline()
        assert b"idle-timeout" in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_a_request_is_not_idle(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, idle_timeout_s=0.05)
    async with connect(served.uri) as client:
        await client.send(Event("steady", {"answers": 8, "interval_s": 0.02}))
        assert [(await client.receive()).type for _ in range(8)] == ["tick"] * 8


async def test_a_client_that_stalls_in_the_middle_of_a_request_is_told(
    servers: Servers, handler: ScriptedHandler
) -> None:
    handler.stall_timeout_s = 0.05
    served = await servers.start(handler)
    async with connect(served.uri) as client:
        await client.send(Event("collect"), Event("piece"))
        assert await client.error_code() == "deadline-exceeded"


async def test_a_request_without_result_ends_at_its_deadline(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, request_timeout_s=0.05)
    async with connect(served.uri) as client:
        await client.send(Event("wait"))
        assert await client.error_code() == "deadline-exceeded"
    assert handler.counts["wait cancelled"] == 1


async def test_the_handlers_own_words_also_follow_a_deadline(servers: Servers) -> None:
    served = await servers.start(ScriptedHandler(answers_refusals=True), request_timeout_s=0.05)
    async with connect(served.uri) as client:
        await client.send(Event("wait"), Event("echo"))
        assert await client.receive() == Event("sorry", {"code": "deadline-exceeded"})
        assert (await client.receive()).type == "echoed"


async def test_progress_in_either_direction_moves_the_deadline(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, request_timeout_s=0.4)
    async with connect(served.uri) as client:
        await client.send(Event("steady", {"answers": 20, "interval_s": 0.03}))
        assert len([await client.receive() for _ in range(20)]) == 20
        await client.send(Event("collect"))
        for _ in range(20):
            await asyncio.sleep(0.03)
            await client.send(Event("piece"))
        await client.send(Event("stop"))
        assert await client.receive() == Event("collected", {"count": 20})


async def test_a_client_that_never_reads_ends_at_its_deadline_and_blocks_nobody(
    servers: Servers, handler: ScriptedHandler
) -> None:
    served = await servers.start(handler, request_timeout_s=0.3)
    reader, writer = await asyncio.open_unix_connection(str(served.path))
    writer.write(b'{"type": "flood"}\n')
    await until(lambda: handler.counts["drops"])
    async with connect(served.uri) as client:
        for number in range(20):
            await client.send(Event("echo", {"n": number}))
            assert (await client.receive()).data["n"] == number
    await until(lambda: handler.counts["flood cancelled"])
    # What it did not take is bounded by the socket's buffers, not by what the handler would have sent.
    assert handler.counts["drops"] * 2**16 < 8 * 2**20
    await until(lambda: not served.server.connections)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    del reader


async def test_a_flooding_client_is_slowed_down_not_stored(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler)
    _, writer = await asyncio.open_unix_connection(str(served.path))
    piece = b'{"type": "piece", "payload_length": 65536}\n' + bytes(65_536)
    writer.write(b'{"type": "slow_collect"}\n')
    sent = 0

    async def flood() -> None:
        nonlocal sent
        while True:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    flooding = asyncio.create_task(flood())
    await until(lambda: served.server.connections)
    (connection,) = served.server.connections
    await until(lambda: connection.inbox.queued_bytes >= MAX_QUEUED_BYTES)
    await _settled(lambda: sent)
    assert connection.inbox.queued_bytes <= MAX_QUEUED_BYTES + len(piece) + 4096
    assert sent < MAX_QUEUED_BYTES + 4 * 2**20  # the rest sits in the sockets' buffers
    before = sent
    handler.go.set()
    await until(lambda: sent > before + 2 * MAX_QUEUED_BYTES)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    writer.transport.abort()


async def _settled(value: object) -> None:
    """Return when `value()` has not changed over many rounds of the loop."""
    assert callable(value)
    before, rounds = value(), 0
    while rounds < 200:
        await asyncio.sleep(0)
        rounds = rounds + 1 if value() == before else 0
        before = value()


async def test_the_inbox_keeps_order_and_waits_for_room() -> None:
    inbox = Inbox(max_queued_bytes=3 * (EVENT_OVERHEAD_BYTES + 10))
    for number in range(3):
        await inbox.put(Event("e", {"n": number}), 10)
    waiting = asyncio.create_task(inbox.put(Event("e", {"n": 3}), 10))
    await _settled(lambda: inbox.queued_bytes)
    assert not waiting.done()
    assert [(await inbox.get()).data["n"] for _ in range(4)] == [0, 1, 2, 3]
    await waiting
    assert inbox.queued_bytes == 0
    assert not inbox


async def test_an_event_larger_than_the_inbox_still_passes() -> None:
    inbox = Inbox(max_queued_bytes=100)
    await inbox.put(Event("huge"), 10_000)
    assert (await inbox.get()).type == "huge"


async def test_an_empty_inbox_times_out() -> None:
    with pytest.raises(DeadlineExceeded):
        await Inbox().get(0.01)
