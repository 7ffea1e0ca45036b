"""Processes that left their group (setsid, a daemon of their own), found by a mark they inherited.

What systemd knows by its control groups, `avatar up` knows by a variable in the environment: it is passed on to every
process that one of ours starts, whatever session it makes for itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from .pidfd import open_pidfd, wait_ended
from .process_group import every_pid


def marked_processes(variable: str, value: str) -> list[int]:
    """Return the processes started with `variable` set to `value`, as far as we may look; never ourselves."""
    mark = os.fsencode(f"{variable}={value}")
    return [pid for pid in every_pid() if pid != os.getpid() and _has(pid, mark)]


async def kill_marked(variable: str, value: str) -> list[int]:
    """Send SIGKILL to those processes and return them when all have ended."""
    killed: list[int] = []
    mark = os.fsencode(f"{variable}={value}")
    # A process may start another while we look; what it started before it died is found the next time round.
    while found := [pid for pid in marked_processes(variable, value) if pid not in killed]:
        with contextlib.ExitStack() as descriptors:
            for pid in found:
                killed.append(pid)
                pidfd = open_pidfd(pid, descriptors)
                if pidfd is None or not _has(pid, mark):  # asked again, now that the number cannot change its owner
                    continue
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    await wait_ended(pidfd)
    return killed


def _has(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # ended, or another user's
        return False
