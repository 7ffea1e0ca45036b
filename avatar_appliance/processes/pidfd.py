"""Seeing a process end that is no child of ours, by pidfd_open(2)."""

from __future__ import annotations

import asyncio
import contextlib
import os


def open_pidfd(pid: int, descriptors: contextlib.ExitStack) -> int | None:
    """Return a descriptor of `pid` that `descriptors` closes; None when it has ended, or before Linux 5.3."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    descriptors.callback(os.close, descriptor)
    return descriptor


async def wait_ended(pidfd: int) -> None:
    """Return when the process behind `pidfd` has ended; a zombie has."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
