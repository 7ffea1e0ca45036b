"""Wyoming servers that do what a test says, over real sockets, and tell when their client hung up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from wyoming.event import Event, Eventable

from avatar_appliance.client.endpoint import LIMITS, Endpoint
from avatar_appliance.wire import read_event, write_event

Script = Callable[["Client"], Awaitable[None]]


@dataclass
class Client:
    """One connection to a fake server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    got: list[Event] = field(default_factory=list)

    async def next(self) -> Event | None:
        event = await read_event(self.reader, LIMITS)
        if event is not None:
            self.got.append(event)
        return event

    async def until(self, event_type: str) -> None:
        """Read up to the first event of that type."""
        while (event := await self.next()) is not None and event.type != event_type:
            pass

    async def say(self, *events: Event | Eventable) -> None:
        for event in events:
            await write_event(self.writer, event.event() if isinstance(event, Eventable) else event)


class FakeServer:
    """Runs `script` for each client; `hung_up` is set when a client left before its script was through."""

    def __init__(self) -> None:
        self.script: Script | None = None
        self.clients: list[Client] = []
        self.hung_up = asyncio.Event()
        self.called = asyncio.Event()
        self.port = 0

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            await self._serve(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(reader, writer)
        self.clients.append(client)
        self.called.set()
        assert self.script is not None, "nobody said what to do"
        try:
            await self.script(client)
            while await client.next() is not None:
                pass
        except ConnectionError:
            pass
        finally:
            self.hung_up.set()
            writer.transport.abort()
