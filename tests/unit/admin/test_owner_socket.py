"""The owner's door: no token, but nobody else can open it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.owner_socket import serve_owner_socket
from avatar_appliance.admin.server import serve
from avatar_appliance.errors import ConfigError
from avatar_appliance.paths import owner_socket

from .conftest import MakeTurn


@asynccontextmanager
async def knocking(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_the_owner_needs_no_token_there(app: FastAPI, tmp_path: Path, save_turn: MakeTurn) -> None:
    turn = await save_turn()
    async with serve_owner_socket(app, tmp_path), knocking(owner_socket(tmp_path)) as client:
        assert (await client.get("/api/workers")).status_code == 200
        assert (await client.get(f"/api/turns/{turn.id}")).json()["id"] == turn.id
        assert (await client.post("/api/workers/vllm/start")).status_code == 202
        assert (await client.get("/api/nothing")).status_code == 404


async def test_nobody_else_can_open_it(app: FastAPI, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    async with serve_owner_socket(app, folder):
        assert stat.S_IMODE(owner_socket(folder).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_the_door_on_tcp_stays_closed(app: FastAPI, tmp_path: Path) -> None:
    """Both serve the same application; who may come in hangs on the connection, not on anything a client can say."""
    async with (
        serve_owner_socket(app, tmp_path),
        serve(app, "127.0.0.1", 0) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client,
    ):
        for headers in ({}, {"avatar.owner": "true"}, {"X-Avatar-Owner": "1"}, {"Host": "localhost"}):
            assert (await client.get("/api/workers", headers=headers)).status_code == 401


async def test_a_left_over_socket_is_replaced_and_gone_afterwards(app: FastAPI, tmp_path: Path) -> None:
    owner_socket(tmp_path).write_text("left over")
    async with serve_owner_socket(app, tmp_path), knocking(owner_socket(tmp_path)) as client:
        assert (await client.get("/health")).status_code == 200
    assert [name for name in os.listdir(tmp_path) if "sock" in name] == []


async def test_the_socket_of_a_successor_is_left_alone(app: FastAPI, tmp_path: Path) -> None:
    async with serve_owner_socket(app, tmp_path):
        async with asyncio.timeout(10), serve_owner_socket(app, tmp_path), knocking(owner_socket(tmp_path)) as client:
            assert (await client.get("/health")).status_code == 200
        successor = owner_socket(tmp_path)
        successor.write_text("a successor's")
    assert successor.exists()


@pytest.mark.parametrize("folder", ["x" * 120, "file/below"])
async def test_a_socket_that_cannot_be_made_is_a_clear_error(app: FastAPI, tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"owner\.sock cannot be made") as raised:
        async with serve_owner_socket(app, tmp_path / folder):
            pass
    assert "paths.runtime_dir" in raised.value.hint
