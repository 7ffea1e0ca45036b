"""The owner's door: the HTTP API on a unix socket that only this user (and root) may open, without a token.

For the command line on the same machine (docs/decisions/0011).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.types import ASGIApp

from avatar_appliance.errors import ConfigError
from avatar_appliance.paths import owner_socket

from .server import HttpServer

_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def serve_owner_socket(app: ASGIApp, runtime_dir: Path, *, drain_s: float = 5.0) -> AsyncIterator[HttpServer]:
    """Serve `app` while the block runs; a left-over socket is replaced. Raises ConfigError where it cannot be made."""
    path = owner_socket(runtime_dir)
    try:
        listener, inode = _listen(path)
    except OSError as error:
        raise ConfigError(
            f"the owner's socket {path} cannot be made: {error.strerror or error}",
            hint="Make `paths.runtime_dir` a folder that this user can write, with a short path (a socket's is at most "
            "107 bytes).",
        ) from None
    server = HttpServer(app, drain_s=drain_s, owner=True)
    try:
        await server.serve_on(listener)
        try:
            yield server
        finally:
            await server.stop()
    finally:
        listener.close()
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == inode:  # else it is that of a successor by now
                path.unlink()


def _listen(path: Path) -> tuple[socket.socket, int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Bound under another name and renamed: nobody finds it before it is private and listens.
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(fresh))
        try:
            fresh.chmod(0o600)
            listener.listen(128)
            inode = fresh.stat().st_ino
            fresh.rename(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    except BaseException:
        listener.close()
        raise
    return listener, inode
