"""Unix sockets that only this user may open, and a server of Wyoming events on one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from wyoming.error import Error

from avatar_appliance.errors import AvatarError, ServerFull
from avatar_appliance.log import log_defect

from .framing import FrameLimits, write_event

_LOGGER = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A socket file that is listened on."""

    server: asyncio.Server
    path: Path
    inode: int

    def unlink(self) -> None:
        """Remove the file, unless it is that of a successor by now."""
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino == self.inode:
                self.path.unlink()


async def listen_unix(path: Path, accept: Serve, *, limit_bytes: int) -> UnixSocket:
    """Listen on a socket that only this user may open; a left-over file is replaced. Raises OSError.

    `limit_bytes` is the longest line of the readers `accept` gets.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Bound under another name and renamed: nobody can connect to a socket that is not listening yet.
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(accept, fresh, limit=limit_bytes)
    fresh.chmod(0o600)
    inode = fresh.stat().st_ino
    fresh.rename(path)
    return UnixSocket(server, path, inode)


class UnixServer:
    """Runs `serve` for each connection, and keeps what goes wrong in one away from the others.

    An AvatarError that `serve` raises is told as `error` event, a defect is logged; then the connection is closed. One
    connection too many is refused with `server-full`.
    """

    def __init__(self, path: Path, serve: Serve, *, limits: FrameLimits, max_connections: int) -> None:
        self._path = path
        self._serve = serve
        self._limits = limits
        self._max_connections = max_connections
        self._socket: UnixSocket | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Listen; raises OSError."""
        self._socket = await listen_unix(self._path, self._accept, limit_bytes=self._limits.header_bytes)

    async def stop(self) -> None:
        """Stop listening and end the connections."""
        self._stopping = True
        if self._socket is not None:
            self._socket.server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._socket is not None:
            self._socket.unlink()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) > self._max_connections:
                raise ServerFull(f"{self._max_connections} connections are open")
            await self._serve(reader, writer)
        except AvatarError as error:
            _LOGGER.warning("a connection to %s was refused: %s (%s)", self._path.name, error.text, error.code)
            with contextlib.suppress(OSError):
                await write_event(writer, Error(text=error.text, code=error.code).event())
        except asyncio.CancelledError:
            if not self._stopping:  # asyncio calls a connection that ends as cancelled a defect
                raise
        except OSError:
            pass  # the other side is gone
        except Exception as error:  # noqa: BLE001 - one bad connection must not end the process
            log_defect(_LOGGER, f"defect in a connection to {self._path.name}", error)
        finally:
            self._connections.discard(task)
            writer.close()
