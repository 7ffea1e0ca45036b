"""Ending a whole process group, and seeing it end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

_LOGGER = logging.getLogger(__name__)


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
        watched = [descriptor for pid in _members(group) if (descriptor := _watch(pid, descriptors)) is not None]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        for descriptor in watched:
            await _ended(descriptor)


def _members(group: int) -> list[int]:
    """Return the processes of `group` that have not ended."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it ended while we were on our way to it
                # "pid (name) state ppid pgrp ...", proc_pid_stat(5); a name may have spaces and brackets.
                stat = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
                if int(stat[2]) == group and stat[0] not in (b"Z", b"X"):
                    found.append(int(entry.name))
    return found


def _watch(pid: int, descriptors: contextlib.ExitStack) -> int | None:
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:  # ended since, or a kernel before 5.3: then we kill without looking
        return None
    descriptors.callback(os.close, descriptor)
    return descriptor


async def _ended(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
