"""The lease socket: what data-plane processes ask of the coordinator comes in here."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from avatar_appliance.leases.messages import COORDINATOR_SOCKET, LIMITS
from avatar_appliance.wire import UnixServer

from .actions import Deny, Grant, Revoke
from .events import Cancelled, Declared, Released, Requested, UrgencyChanged
from .lease_connection import LeaseConnection

# Three servers and the doors to come, each with a successor while it restarts.
MAX_CONNECTIONS = 32


class LeaseBook(Protocol):
    """The coordinator, as whoever asks for leases needs it."""

    def submit(self, event: Requested | Cancelled | Released | Declared | UrgencyChanged) -> None:
        """Deal with the event, now or soon; the answer to a request may come before this returns."""
        ...

    def on_answer(self, callback: Callable[[Grant | Deny | Revoke], None]) -> None:
        """Have `callback` hear every answer to a request, and every revoked lease."""
        ...


class LeaseServer:
    """Serves processes of this user (the socket's mode keeps others out); the end of one ends its leases.

    Whoever asks chooses the id of a lease; the book sees it with the number of the connection added, so that no
    connection can touch a lease of another's.
    """

    def __init__(self, runtime_dir: Path, book: LeaseBook, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is the book's, in seconds."""
        self._book = book
        self._clock = clock
        self._numbers = itertools.count(1)
        self._connections: dict[int, LeaseConnection] = {}
        self._stopping = False
        self._server = UnixServer(
            runtime_dir / COORDINATOR_SOCKET, self._serve, limits=LIMITS, max_connections=MAX_CONNECTIONS
        )
        book.on_answer(self._deliver)

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening and close the connections. Their leases go on: the holders declare them to our successor."""
        self._stopping = True
        await self._server.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        connection = LeaseConnection(number, self._book.submit, writer, self._clock)
        self._connections[number] = connection
        try:
            await connection.run(reader)
        finally:
            del self._connections[number]
            if not self._stopping:
                connection.end()

    def _deliver(self, answer: Grant | Deny | Revoke) -> None:
        number = LeaseConnection.number_in(answer.lease_id)
        connection = self._connections.get(number) if number is not None else None
        if connection is not None:  # else it died meanwhile, and the book has been told
            connection.answer(answer)
