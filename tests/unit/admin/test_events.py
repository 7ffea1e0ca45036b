"""Decisions as Server-Sent Events, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.api import events
from avatar_appliance.admin.server import AdminServer, serve

from .fake_coordinator import FakeCoordinator


class EventReader:
    """Reads events off a response."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                if not line:
                    return fields
                name, _, value = line.partition(": ")
                fields[name] = value
        raise EOFError


@pytest.fixture
async def server(app: FastAPI) -> AsyncIterator[AdminServer]:
    async with serve(app, "127.0.0.1", 0) as running:
        yield running


@asynccontextmanager
async def listening(server: AdminServer, token: str) -> AsyncIterator[EventReader]:
    """Open a stream and wait until it misses nothing."""
    url = f"http://127.0.0.1:{server.port}/api/events"
    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=20) as client,
        client.stream("GET", url) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        reader = EventReader(response)
        assert (await reader.next())["retry"] == "2000"
        yield reader


async def test_decisions_arrive_as_they_are_taken(
    server: AdminServer, token: str, coordinator: FakeCoordinator
) -> None:
    coordinator.decide("before anybody listened")
    async with listening(server, token) as reader:
        coordinator.decide("vllm starts on cuda:0", worker="vllm", device="cuda:0")
        coordinator.decide("piper\nstarts: 開始", worker="piper")
        first, second = await reader.next(), await reader.next()
    assert first["event"] == "start"
    told: dict[str, Any] = json.loads(first["data"])
    assert (told["text"], told["worker"], told["at"]) == ("vllm starts on cuda:0", "vllm", "2023-11-14T22:13:25Z")
    assert json.loads(second["data"])["text"] == "piper\nstarts: 開始"


async def test_everybody_who_listens_hears_it(server: AdminServer, token: str, coordinator: FakeCoordinator) -> None:
    async with listening(server, token) as one, listening(server, token) as other:
        coordinator.decide("to all")
        assert await one.next() == await other.next()


async def test_a_stopping_server_does_not_wait_for_its_listeners(
    app: FastAPI, token: str, coordinator: FakeCoordinator
) -> None:
    loop = asyncio.get_running_loop()
    async with serve(app, "127.0.0.1", 0, drain_s=60) as server, listening(server, token) as reader:
        began_s = loop.time()
        await server.stop()
        assert loop.time() - began_s < 5
        with pytest.raises(EOFError):
            await reader.next()


async def test_the_end_of_the_coordinator_ends_the_stream(
    server: AdminServer, token: str, coordinator: FakeCoordinator
) -> None:
    async with listening(server, token) as reader:
        coordinator.decide("the last one")
        coordinator.log.close()
        assert json.loads((await reader.next())["data"])["text"] == "the last one"
        with pytest.raises(EOFError):
            await reader.next()


async def test_a_quiet_stream_says_that_it_lives(
    server: AdminServer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    async with listening(server, token) as reader:
        assert await reader.next() == {"": "ping"}


async def test_there_are_only_so_many_listeners_and_one_who_left_makes_room(
    server: AdminServer, app: FastAPI, token: str, coordinator: FakeCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    async with listening(server, token):
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
            full = await client.get(f"http://127.0.0.1:{server.port}/api/events")
        assert (full.status_code, full.json()["code"]) == (503, "server-full")
    async with asyncio.timeout(10):
        while app.state.event_streams:  # the next decision finds out that nobody reads
            coordinator.decide("is anybody there?")
            await asyncio.sleep(0.01)
    async with listening(server, token) as reader:
        coordinator.decide("room again")
        assert json.loads((await reader.next())["data"])["text"] == "room again"


async def test_a_stranger_hears_nothing(server: AdminServer) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/api/events")).status_code == 401
