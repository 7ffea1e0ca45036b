"""The stock Wyoming client, and a raw one for what the stock client would never send."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event, Eventable

from .waiting import PATIENCE_S


class Client:
    """`wyoming.client.AsyncClient` with shorter words."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def send(self, *events: Event | Eventable) -> None:
        """Send events in order."""
        for event in events:
            await self.client.write_event(event if isinstance(event, Event) else event.event())

    async def receive(self) -> Event:
        """Return the next event; fails at the end of the stream."""
        event = await self.client.read_event()
        assert event is not None, "the server hung up"
        return event

    async def ended(self) -> bool:
        """Return whether the next thing is the end of the stream."""
        return await self.client.read_event() is None

    async def receive_until(self, *types: str) -> list[Event]:
        """Return the events up to the first of one of `types`, or an `error`."""
        events: list[Event] = []
        while not events or events[-1].type not in (*types, "error"):
            events.append(await self.receive())
        return events

    async def error_code(self) -> str:
        """Return the code of the `error` event that must come next, and see the server hang up after it."""
        event = await self.receive()
        assert event.type == "error", event.type
        assert await self.ended()
        return str(event.data["code"])

    def abort(self) -> None:
        """Vanish."""
        writer = self.client._writer
        assert writer is not None
        writer.transport.abort()

    async def half_close(self) -> None:
        """Close the sending side only."""
        writer = self.client._writer
        assert writer is not None
        writer.write_eof()


@contextlib.asynccontextmanager
async def connect(uri: str, read_timeout_s: float = PATIENCE_S) -> AsyncIterator[Client]:
    """Connect; a connection that broke meanwhile is no error of the test."""
    client = AsyncClient.from_uri(uri, connect_timeout=PATIENCE_S, read_timeout=read_timeout_s)
    await client.connect()
    try:
        yield Client(client)
    finally:
        with contextlib.suppress(OSError):
            await client.disconnect()


async def ask(uri: str, *events: Event | Eventable, until: Iterable[str]) -> list[Event]:
    """Send events on a fresh connection and return the answer up to one of the types of `until`, or an `error`."""
    async with connect(uri) as client:
        await client.send(*events)
        return await client.receive_until(*until)


async def raw(uri: str, sent: bytes, *, eof: bool = True) -> list[dict[str, Any]]:
    """Send bytes and return the headers' types and data of everything that comes back until the server hangs up."""
    path = uri.removeprefix("unix://")
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
            if eof:
                writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            return await _events(reader)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _events(reader: asyncio.StreamReader) -> list[dict[str, Any]]:
    events = []
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while line := await reader.readline():
            header = json.loads(line)
            data = json.loads(await reader.readexactly(header.get("data_length") or 0) or b"{}")
            await reader.readexactly(header.get("payload_length") or 0)
            events.append({"type": header["type"], **data})
    return events


def utterance(
    pcm: bytes,
    *,
    rate: int = 16_000,
    width: int = 2,
    channels: int = 1,
    chunk_bytes: int = 4096,
    stop: bool = True,
    wish: Transcribe | None = None,
) -> list[Event]:
    """Return the events of a whole utterance, as Home Assistant sends them."""
    shape = {"rate": rate, "width": width, "channels": channels}
    chunks = [
        AudioChunk(audio=pcm[start : start + chunk_bytes], **shape).event() for start in range(0, len(pcm), chunk_bytes)
    ]
    events = [(wish or Transcribe()).event(), AudioStart(**shape).event(), *chunks]
    return [*events, AudioStop().event()] if stop else events
