"""What the watchdog of a server asks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from wire_harness.scripted import ScriptedHandler

from avatar_appliance.config.settings import LimitsSettings
from wyoming_servers.base import WyomingServer
from wyoming_servers.base.self_check import describe_ourselves


@pytest.fixture
async def server() -> AsyncIterator[WyomingServer]:
    server = WyomingServer(ScriptedHandler(), LimitsSettings(max_connections=1, drain_s=0))
    yield server
    await server.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "::", "::1"])
async def test_a_server_that_listens_is_well(server: WyomingServer, host: str) -> None:
    await describe_ourselves(host, await server.listen_tcp(host, 0))


async def test_one_that_is_full_is_well(server: WyomingServer) -> None:
    port = await server.listen_tcp("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await describe_ourselves("127.0.0.1", port)
    writer.close()
    del reader


async def test_one_that_listens_no_more_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError, match="Connect call failed"):
        await describe_ourselves("127.0.0.1", port)


async def test_one_that_accepts_and_says_nothing_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await describe_ourselves("127.0.0.1", listener.getsockname()[1])


async def test_one_that_hangs_up_is_not() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listener:
        with pytest.raises(OSError, match=r".*"):
            await describe_ourselves("127.0.0.1", listener.sockets[0].getsockname()[1])
