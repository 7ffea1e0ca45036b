"""A Wyoming server on TCP or a unix socket, with a connection limit and a drain."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
from pathlib import Path

from avatar_appliance.config.settings import LimitsSettings
from avatar_appliance.errors import IdleTimeout, ServerFull, ShuttingDown
from avatar_appliance.log import log_defect
from avatar_appliance.wire import UnixSocket, listen_unix

from .connection import Connection
from .handler import Handler

_LOGGER = logging.getLogger(__name__)


class WyomingServer:
    """Accepts connections for one handler.

    When `limits.max_connections` are open, the longest idle one gives way to a newcomer: Home Assistant must get in
    even while somebody holds 200 silent connections. If all are busy, the newcomer is refused with `server-full`.
    """

    def __init__(self, handler: Handler, limits: LimitsSettings) -> None:
        self.handler = handler
        self.limits = limits
        self.draining = False
        self.active_requests = 0
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._socket: UnixSocket | None = None
        self._idle = asyncio.Event()

    async def listen_tcp(self, host: str, port: int) -> int:
        """Listen on an address (`::` serves IPv4 too); return the port, which matters when `port` is 0.

        Raises OSError when the address is taken or not ours.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, dualstack_ipv6=host == "::", backlog=128)
        # Connections inherit it. Asyncio sets it on sockets made by itself only, and without it each answer but the
        # first of a connection waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=self.limits.max_header_bytes)
        return int(listener.getsockname()[1])

    async def listen_unix(self, path: Path) -> None:
        """Listen on a unix socket that only this user may open; a left-over socket file is replaced."""
        self._socket = await listen_unix(path, self._accept, limit_bytes=self.limits.max_header_bytes)
        self._server = self._socket.server

    async def stop(self) -> None:
        """Take nothing new, let running requests end within `limits.drain_s`, then close everything."""
        self.draining = True
        if self._server is not None:
            self._server.close()
        self._close_all(ShuttingDown("the server is restarting"), idle_only=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.drain_s):
                while self.active_requests:
                    self._idle.clear()
                    await self._idle.wait()
        self._close_all(ShuttingDown("the server is restarting"))
        await asyncio.gather(*self._connections.values(), return_exceptions=True)
        if self._socket is not None:
            self._socket.unlink()

    def note_idle(self) -> None:
        """Wake a drain that waits for requests to end."""
        self._idle.set()

    @property
    def connections(self) -> list[Connection]:
        """Open connections, oldest first."""
        return list(self._connections)

    def _close_all(self, error: ShuttingDown, *, idle_only: bool = False) -> None:
        for connection in self._connections:
            if not (idle_only and connection.in_request):
                connection.close_with(error)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        most = self.limits.max_connections
        if len(self._connections) >= 2 * most:
            # A flood. Those who linger have been told already, and go now: the newcomer may be Home Assistant.
            lingering = next((c for c in self._connections if c.is_closing and not c.is_aborted), None)
            if lingering is None:
                writer.transport.abort()
                return
            lingering.abort()
        connection = Connection(self, reader, writer, f"c{next(self._numbers)}")
        if self.draining:
            connection.close_with(ShuttingDown("the server is restarting"))
        elif not self._has_room() and not self._make_room():
            connection.close_with(ServerFull(f"{most} connections are open and busy"))
        task = asyncio.current_task()
        assert task is not None
        self._connections[connection] = task
        try:
            await connection.run()
        except Exception as error:  # noqa: BLE001 - the last line of defence of one connection
            log_defect(_LOGGER, "defect in a connection", error)
        finally:
            self._connections.pop(connection, None)

    def _has_room(self) -> bool:
        # Those that are being told to go linger for a moment, and count no more.
        return sum(not connection.is_closing for connection in self._connections) < self.limits.max_connections

    def _make_room(self) -> bool:
        idle = [c for c in self._connections if not c.in_request and not c.is_closing]
        if not idle:
            return False
        min(idle, key=lambda c: c.idle_since).close_with(IdleTimeout("the server is full and this connection was idle"))
        return True
