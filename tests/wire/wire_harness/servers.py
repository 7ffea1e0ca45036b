"""Start `WyomingServer`s on unix sockets, stop them, kill them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Self

from avatar_appliance.config.settings import LimitsSettings
from wyoming_servers.base import Handler, WyomingServer


class Served:
    """A running server."""

    def __init__(self, server: WyomingServer, path: Path) -> None:
        self.server = server
        self.path = path
        self.uri = f"unix://{path}"

    def kill(self) -> None:
        """End it as SIGKILL would: nothing listens any more, and all connections break."""
        listener = self.server._server
        assert listener is not None
        listener.close()
        self._abort_all()
        # Those that were accepted this moment are not in the list yet.
        asyncio.get_running_loop().call_later(0.02, self._abort_all)

    def _abort_all(self) -> None:
        for connection in self.server.connections:
            connection._writer.transport.abort()


class Servers:
    """Starts servers; stops those still running at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Served] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for served in self._running:
            served.server.limits = served.server.limits.model_copy(update={"drain_s": 0.0})
            await served.server.stop()

    async def start(self, handler: Handler, name: str = "server", **limits: Any) -> Served:
        """Serve `handler` on a unix socket of that name."""
        server = WyomingServer(handler, LimitsSettings(**limits))
        path = self._folder / f"{name}.sock"
        await server.listen_unix(path)
        served = Served(server, path)
        self._running.append(served)
        return served
