"""A browser that reads a turn off its response."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

PATIENCE_S = 20


class Events:
    """Reads a turn off its response."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.seen: list[str] = []

    async def next(self) -> tuple[str, dict[str, Any]]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "event" in fields:
                    self.seen.append(fields["event"])
                    return fields["event"], json.loads(fields["data"])
        raise EOFError

    async def until(self, name: str) -> dict[str, Any]:
        """Return the data of the next event of that name."""
        while (event := await self.next())[0] != name:
            pass
        return event[1]

    async def rest(self) -> list[tuple[str, dict[str, Any]]]:
        """Return everything up to the end of the turn."""
        events = []
        with contextlib.suppress(EOFError):
            while True:
                events.append(await self.next())
        return events


@contextlib.asynccontextmanager
async def asked(http: httpx.AsyncClient, **question: Any) -> AsyncIterator[Events]:
    async with http.stream("POST", "/api/chat", json=question) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Events(response)
