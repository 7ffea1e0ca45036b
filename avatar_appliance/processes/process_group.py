"""A process group: who is in it, and ending it and seeing it end."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from .pidfd import open_pidfd, wait_ended

_LOGGER = logging.getLogger(__name__)


def group_members(group: int) -> list[int]:
    """Return the processes of `group` that have not ended; takes a fraction of a millisecond."""
    return [pid for pid in every_pid() if _group_of(pid) == group and not _ended_already(pid)]


def every_pid() -> Iterator[int]:
    """Yield the pid of every process that can be seen, zombies included."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


async def kill_group(group: int) -> None:
    """Send SIGKILL to every process of `group` and return when all have ended, at once if there is none.

    A zombie has ended: it holds neither memory nor ports, and whoever its parent is now may be slow to reap it (in a
    container without an init, for ever).
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return
    except PermissionError:
        _LOGGER.warning("process group %d has processes of another user, which we may not end", group)
        return
    with contextlib.ExitStack() as descriptors:
        members = group_members(group)
        watched = [pidfd for pid in members if (pidfd := open_pidfd(pid, descriptors)) is not None]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        for pidfd in watched:
            await wait_ended(pidfd)


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)  # a system call: reading the stat file of every process takes many times as long
    except OSError:  # it ended while we were on our way to it
        return None


def _ended_already(pid: int) -> bool:
    try:
        # "pid (name) state ppid pgrp ...", proc_pid_stat(5); a name may have spaces and brackets.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return True
