"""Serve the HTTP API in the event loop of the control plane."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from avatar_appliance.errors import ConfigError

from .connection import CLOSING, OWNER, Announced

_log = logging.getLogger(__name__)

_MAX_CONNECTIONS = 100  # file descriptors are shared with everything else in this process
_KEEP_ALIVE_S = 5
_HINTS = {
    errno.EADDRINUSE: "Another program has it (`ss -ltnp 'sport = :{port}'`), or set `admin.port` in config.yaml.",
    errno.EADDRNOTAVAIL: "This machine does not have that address; correct `admin.host` in config.yaml.",
    errno.EACCES: "Ports below 1024 need a privilege; set `admin.port` in config.yaml to a higher one.",
}


class HttpServer:
    """Serves `app` on sockets it is given, and leaves signals to its owner; `started` is set while it serves."""

    def __init__(self, app: ASGIApp, *, drain_s: float, owner: bool = False) -> None:
        """Prepare to serve; `owner` says that whoever can connect is the owner."""
        self.started = asyncio.Event()
        self._closing = asyncio.Event()
        config = uvicorn.Config(
            Announced(app, {OWNER: owner, CLOSING: self._closing}),
            http="h11",  # the same limits and the same behaviour, whatever else is installed
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,  # a query string may hold what people said
            proxy_headers=False,  # anybody could invent a client address
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(drain_s),
        )
        self._server = _Server(config, self.started)
        self._serving: asyncio.Task[None] | None = None

    async def serve_on(self, listener: socket.socket) -> None:
        """Begin to serve on a listening socket, which is closed with the server."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="admin server")
        starting = asyncio.create_task(self.started.wait())
        try:
            await asyncio.wait({self._serving, starting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            starting.cancel()
        if self._serving.done():
            listener.close()
            self._serving.result()
            raise RuntimeError("the HTTP server ended before it began")

    async def wait_closed(self) -> None:
        """Wait until the server has ended; raises what ended it if that was not `stop`."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Take nothing new, let running requests end within `drain_s`, close everything."""
        self._closing.set()
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        self.started.clear()


class AdminServer(HttpServer):
    """The HTTP server on TCP."""

    def __init__(self, app: ASGIApp, host: str, port: int, *, drain_s: float = 5.0) -> None:
        """Prepare to serve `app` on an address (`::` serves IPv4 too); port 0 takes a free one."""
        super().__init__(app, drain_s=drain_s)
        self.host = host
        self.port = port

    async def start(self) -> None:
        """Listen; `port` is the real one afterwards. Raises ConfigError when the address cannot be used."""
        listener = _listen(self.host, self.port)
        self.port = int(listener.getsockname()[1])
        await self.serve_on(listener)
        _log.info("the HTTP API listens on %s port %d", self.host, self.port)


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int, *, drain_s: float = 5.0) -> AsyncIterator[AdminServer]:
    """Serve `app` while the block runs; raises ConfigError when the address cannot be used."""
    server = AdminServer(app, host, port, drain_s=drain_s)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: asyncio.Event) -> None:
        super().__init__(config)
        self._is_up = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGTERM and SIGINT to the control plane, which has more to end than this server."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, dualstack_ipv6=host == "::", backlog=128)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "Correct `admin.host` and `admin.port` in config.yaml.")
        raise ConfigError(
            f"the HTTP API cannot listen on {host} port {port}: {error.strerror}", hint=hint.format(port=port)
        ) from None
    # Connections inherit it. Asyncio sets it on sockets made by itself only, and without it a body waits 40 ms for the
    # client to acknowledge the headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
