"""A worker's process while something is done with it: how it is, and work that its end ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from avatar_appliance.coordinator.launcher import LaunchFailed
from avatar_appliance.processes.changes import ChangeStream
from avatar_appliance.processes.process import ProcessState, ProcessStatus
from avatar_appliance.processes.protocol import ProcessManager

from .failure import failed_process

ENDED = (ProcessState.STOPPED, ProcessState.FAILED)
T = TypeVar("T")


def process_status(manager: ProcessManager, worker: str) -> ProcessStatus:
    """Return how the worker's process is; one that nobody ever started is stopped."""
    status = manager.statuses().get(worker)
    return status or ProcessStatus(worker, ProcessState.STOPPED, since=0.0)


async def next_change(changes: ChangeStream) -> None:
    """Return with the next change of any process; raises LaunchFailed when the manager ends."""
    try:
        await anext(changes)
    except StopAsyncIteration:
        raise LaunchFailed("unavailable", "the process manager has ended") from None


async def while_up(manager: ProcessManager, worker: str, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; raises LaunchFailed as soon as the worker's process has ended."""
    with manager.changes() as changes:
        working = asyncio.ensure_future(work)
        ending = asyncio.ensure_future(_ended(manager, worker, changes))
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise failed_process(ending.result())
        finally:
            working.cancel()
            ending.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)


async def _ended(manager: ProcessManager, worker: str, changes: ChangeStream) -> ProcessStatus:
    while (status := process_status(manager, worker)).state in (ProcessState.READY, ProcessState.STOPPING):
        await next_change(changes)
    return status
