"""What the doctor hears from a running appliance, over its owner's socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from avatar_appliance.config import Settings
from avatar_appliance.doctor.finding import Severity
from avatar_appliance.doctor.reported import reported
from avatar_appliance.paths import owner_socket

DEAF = {
    "code": "canary-failed",
    "text": "speech-to-text got 6 of 6 words of the canary's sentence wrong (canary-failed)",
    "hint": "ears is restarted now and then.",
    "since": "2026-01-01T00:00:00Z",
    "worker": "ears",
}


def settings(folder: Path) -> Settings:
    return Settings.from_sources({"paths": {"state_dir": str(folder), "runtime_dir": str(folder)}}, {})


@contextlib.asynccontextmanager
async def appliance(folder: Path, body: dict[str, Any], status: str = "200 OK") -> AsyncIterator[None]:
    """Answer every request on the owner's socket with `body`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            content = json.dumps(body).encode()
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + content)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, str(owner_socket(folder)))
    try:
        yield
    finally:
        server.close()


async def test_a_problem_of_the_running_appliance_is_shown_with_its_hint(tmp_path: Path) -> None:
    async with appliance(tmp_path, {"problems": [DEAF]}):
        (finding,) = await reported(settings(tmp_path))
    assert finding.severity is Severity.PROBLEM
    assert "6 of 6 words" in finding.text
    assert finding.fix == DEAF["hint"]


async def test_an_appliance_without_problems_is_fine(tmp_path: Path) -> None:
    async with appliance(tmp_path, {"problems": []}):
        (finding,) = await reported(settings(tmp_path))
    assert finding.severity is Severity.FINE


async def test_an_appliance_that_cannot_tell_is_a_problem_itself(tmp_path: Path) -> None:
    broken = {"code": "internal", "detail": "a defect", "hint": "see the log"}
    async with appliance(tmp_path, broken, "500 Internal Server Error"):
        (finding,) = await reported(settings(tmp_path))
    assert finding.severity is Severity.PROBLEM


async def test_where_none_runs_the_doctor_says_nothing_of_it(tmp_path: Path) -> None:
    assert await reported(settings(tmp_path)) == []
