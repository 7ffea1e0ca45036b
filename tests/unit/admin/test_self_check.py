"""What the watchdog of the control plane asks."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.owner_socket import serve_owner_socket
from avatar_appliance.control.self_check import ask_ourselves
from avatar_appliance.paths import owner_socket


async def test_a_control_plane_that_serves_is_well(app: FastAPI, tmp_path: Path) -> None:
    async with serve_owner_socket(app, tmp_path):
        await ask_ourselves(tmp_path)


async def test_one_that_serves_no_more_is_not(app: FastAPI, tmp_path: Path) -> None:
    async with serve_owner_socket(app, tmp_path):
        pass
    with pytest.raises(httpx.ConnectError):
        await ask_ourselves(tmp_path)


async def test_one_that_says_nothing_is_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(owner_socket(tmp_path)))
        listener.listen()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await ask_ourselves(tmp_path)
