"""A Home Assistant that answers, refuses, or is none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from avatar_appliance.config import Settings
from avatar_appliance.doctor.finding import Severity
from avatar_appliance.doctor.home_assistant import home_assistant


@contextlib.asynccontextmanager
async def web(status: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def settings(url: str, **more: Any) -> Settings:
    return Settings.from_sources({"home_assistant": {"url": url, **more}}, {})


async def test_one_that_takes_the_token_is_fine() -> None:
    async with web("200 OK") as (url, asked):
        finding = await home_assistant(settings(url, token="a-long-token"))
    assert finding.severity is Severity.FINE
    assert b"Bearer a-long-token" in asked[0]
    assert asked[0].startswith(b"GET /api/ ")


@pytest.mark.parametrize(
    ("status", "token", "severity"),
    [
        ("401 Unauthorized", "a-long-token", Severity.PROBLEM),
        ("401 Unauthorized", None, Severity.FINE),
        ("404 Not Found", None, Severity.PROBLEM),
    ],
)
async def test_what_it_answers_decides(status: str, token: str | None, severity: Severity) -> None:
    async with web(status) as (url, _):
        finding = await home_assistant(settings(url, **({"token": token} if token else {})))
    assert finding.severity is severity
    assert "a-long-token" not in finding.text + finding.fix


async def test_one_that_is_not_there_is_a_problem() -> None:
    finding = await home_assistant(settings("http://127.0.0.1:9"))
    assert (finding.severity, bool(finding.fix)) == (Severity.PROBLEM, True)
