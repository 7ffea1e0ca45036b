"""Stopping a server: what runs may end, nothing new begins, and then it is over."""

from __future__ import annotations

import asyncio

import pytest
from wire_harness.clients import connect
from wire_harness.scripted import ScriptedHandler
from wire_harness.servers import Servers
from wire_harness.waiting import until
from wyoming.event import Event

from avatar_appliance.config.settings import LimitsSettings
from wyoming_servers.base import WyomingServer


@pytest.fixture
def handler() -> ScriptedHandler:
    return ScriptedHandler()


async def test_a_running_request_ends_while_idle_and_new_ones_are_sent_away(
    servers: Servers, handler: ScriptedHandler
) -> None:
    served = await servers.start(handler, drain_s=30)
    async with connect(served.uri) as busy, connect(served.uri) as idle:
        await busy.send(Event("wait"))
        await until(lambda: handler.counts["wait begun"] and len(served.server.connections) == 2)
        stopping = asyncio.create_task(served.server.stop())
        assert await idle.error_code() == "shutting-down"
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_unix_connection(str(served.path))
        await busy.send(Event("echo"))  # a second request, behind the running one
        handler.go.set()
        assert (await busy.receive()).type == "waited"
        assert await busy.error_code() == "shutting-down"
        await stopping
    assert not served.path.exists()
    assert not handler.counts["echo begun"]


async def test_what_does_not_end_in_time_is_cancelled_and_told(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, drain_s=0.05)
    async with connect(served.uri) as client:
        await client.send(Event("wait"))
        await until(lambda: handler.counts["wait begun"])
        stopping = asyncio.create_task(served.server.stop())
        assert await client.error_code() == "shutting-down"
        await stopping
    assert handler.counts["wait cancelled"] == 1


async def test_a_client_that_never_reads_does_not_hold_the_stop(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, drain_s=0.05)
    _, writer = await asyncio.open_unix_connection(str(served.path))
    writer.write(b'{"type": "flood"}\n')
    await until(lambda: handler.counts["drops"])
    async with asyncio.timeout(5):
        await served.server.stop()
    writer.transport.abort()


async def test_a_server_without_clients_stops_at_once(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler, drain_s=60)
    async with asyncio.timeout(1):
        await served.server.stop()


async def test_a_left_over_socket_file_is_replaced(servers: Servers, handler: ScriptedHandler) -> None:
    (await servers.start(handler)).kill()
    again = await servers.start(handler)
    async with connect(again.uri) as client:
        await client.send(Event("echo"))
        assert (await client.receive()).type == "echoed"


async def test_the_socket_of_a_successor_is_left_alone(servers: Servers, handler: ScriptedHandler) -> None:
    old = await servers.start(handler, drain_s=0)
    new = await servers.start(handler)
    await old.server.stop()
    async with connect(new.uri) as client:
        await client.send(Event("echo"))
        assert (await client.receive()).type == "echoed"


async def test_only_the_owner_may_open_the_socket(servers: Servers, handler: ScriptedHandler) -> None:
    served = await servers.start(handler)
    assert served.path.stat().st_mode & 0o777 == 0o600


async def test_a_taken_port_is_an_os_error(handler: ScriptedHandler) -> None:
    first, second = (WyomingServer(handler, LimitsSettings(drain_s=0)) for _ in range(2))
    port = await first.listen_tcp("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        await second.listen_tcp("127.0.0.1", port)
    await first.stop()
