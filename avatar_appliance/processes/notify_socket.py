"""The receiving end of sd_notify(3): one unix datagram socket per child, which believes only that child's group."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from avatar_appliance.errors import ConfigError

_LOGGER = logging.getLogger(__name__)

MAX_PATH_BYTES = 107  # sun_path has 108 with its closing NUL, unix(7)
MAX_MESSAGE_BYTES = 4096  # as systemd
_READS_PER_TURN = 32  # a child that never stops talking must not stop the event loop
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def notify_path(runtime_dir: Path, name: str) -> Path:
    """Return where the child `name` sends its notifications; raises ConfigError when no socket path may be so long."""
    path = runtime_dir / f"notify-{name}.sock"
    if (size_bytes := len(os.fsencode(path))) > MAX_PATH_BYTES:
        raise ConfigError(
            f"the socket path {path} has {size_bytes} bytes, and a unix socket may have {MAX_PATH_BYTES}",
            hint="Set `paths.runtime_dir` in config.yaml to a shorter one, or give the worker a shorter name.",
        )
    return path


class NotifySocket:
    """Bound when made (OSError if that fails), read from `listen` until `close`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a life that was killed
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._listening: tuple[asyncio.AbstractEventLoop, int, Callable[[Mapping[str, str]], None]] | None = None
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind(os.fspath(path))
            path.chmod(0o600)
        except BaseException:
            self._socket.close()
            raise

    def listen(self, group: int, heard: Callable[[Mapping[str, str]], None]) -> None:
        """Give `heard` the fields of each message sent by a process of the process group `group`."""
        loop = asyncio.get_running_loop()
        self._listening = loop, group, heard
        loop.add_reader(self._socket, self._read, _READS_PER_TURN)

    def close(self) -> None:
        """Pass on what has come in, then remove the socket."""
        if self._listening is not None:
            self._read(_READS_PER_TURN)  # the last words of a process that has ended
            self._listening[0].remove_reader(self._socket)
            self._listening = None
        self._socket.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _read(self, messages: int) -> None:
        assert self._listening is not None
        _, group, heard = self._listening
        for _ in range(messages):
            try:
                data, ancillary, flags, _ = self._socket.recvmsg(
                    MAX_MESSAGE_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                return
            pid = _sender(ancillary)
            if flags & socket.MSG_TRUNC:
                _LOGGER.warning("%s: message of process %d beyond %d bytes", self.path.name, pid, MAX_MESSAGE_BYTES)
            elif not _in_group(pid, group):
                _LOGGER.warning("%s: message of process %d, a stranger: ignored", self.path.name, pid)
            else:
                heard(_fields(data))


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the pid the kernel vouches for; 0 when there is none (say, a sender in another pid namespace)."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(data) >= _CREDENTIALS.size:
            return int(_CREDENTIALS.unpack_from(data)[0])
    return 0


def _in_group(pid: int, group: int) -> bool:
    if pid == group:
        return True  # also when it has ended since
    if pid <= 0:
        return False  # getpgid(0) would be our own group
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


def _fields(data: bytes) -> dict[str, str]:
    text = data.decode(errors="replace")
    return {key: value for key, _, value in (line.partition("=") for line in text.split("\n")) if key}
