"""Where a Wyoming server listens, and a bounded conversation with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming.error import Error
from wyoming.event import Event, Eventable

from avatar_appliance.errors import AvatarError, DeadlineExceeded, WorkerUnavailable
from avatar_appliance.wire import FrameLimits, open_reader, read_event, write_event

CONNECT_TIMEOUT_S = 5.0
LIMITS = FrameLimits(header_bytes=2**20, data_bytes=2**24, payload_bytes=2**26)


class ServerError(AvatarError):
    """A Wyoming server answered with an `error` event; `server_code` is its code."""

    code = "server-error"
    default_hint = "docs/errors.md explains the code; the server's log has the details."
    http_status = 502

    def __init__(self, text: str, server_code: str | None) -> None:
        super().__init__(f"{text} (code: {server_code or 'none'})")
        self.server_code = server_code


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host and port of a Wyoming server."""

    host: str
    port: int

    def connect(self) -> AbstractAsyncContextManager[Conversation]:
        """Open one connection; raises WorkerUnavailable when nobody listens there."""
        return _connected(f"{self.host} port {self.port}", open_reader(host=self.host, port=self.port, limits=LIMITS))


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """The unix socket of a Wyoming server on this machine: a worker's."""

    path: Path

    def connect(self) -> AbstractAsyncContextManager[Conversation]:
        """Open one connection; raises WorkerUnavailable when nobody listens there."""
        return _connected(str(self.path), open_reader(str(self.path), limits=LIMITS))


AnyEndpoint = Endpoint | UnixEndpoint


@contextlib.asynccontextmanager
async def _connected(
    where: str, opening: Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]
) -> AsyncIterator[Conversation]:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await opening
    except (OSError, TimeoutError):
        raise WorkerUnavailable(
            f"nothing answers on {where}", hint="Is the appliance running? `avatar up` starts it."
        ) from None
    try:
        yield Conversation(where, reader, writer)
    finally:
        writer.transport.abort()


class Conversation:
    """One open connection; `where` it leads is for people."""

    def __init__(self, where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._where = where
        self._reader = reader
        self._writer = writer

    async def send(self, event: Event | Eventable) -> None:
        """Send one event."""
        await write_event(self._writer, event.event() if isinstance(event, Eventable) else event)

    async def receive(self, timeout_s: float) -> Event:
        """Return the next event; raises ServerError, DeadlineExceeded, or WorkerUnavailable when the server hung up."""
        try:
            async with asyncio.timeout(timeout_s):
                event = await read_event(self._reader, LIMITS)
        except TimeoutError:
            raise DeadlineExceeded(f"no answer within {timeout_s:g} s") from None
        except OSError:
            event = None
        if event is None:
            raise WorkerUnavailable(f"{self._where} closed the connection")
        if Error.is_type(event.type):
            error = Error.from_event(event)
            raise ServerError(error.text, error.code)
        return event
