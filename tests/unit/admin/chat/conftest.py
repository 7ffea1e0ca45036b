"""The real application, with a chat over three servers that do what the test says."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.server import AdminServer, serve
from avatar_appliance.chat import turn as turn_module

from .chat_client import PATIENCE_S
from .chat_house import House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with House.open() as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests have nobody who takes the turn down, and nobody who waits for that."""

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(turn_module, "recorded", nothing)


@pytest.fixture
async def server(app: FastAPI, house: House) -> AsyncIterator[AdminServer]:
    app.state.dependencies = dataclasses.replace(app.state.dependencies, chat=house.chat)
    async with serve(app, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture
async def http(server: AdminServer, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=PATIENCE_S
    ) as client:
        yield client
