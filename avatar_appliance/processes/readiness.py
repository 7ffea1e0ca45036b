"""Waiting for processes to be ready, whoever manages them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from avatar_appliance.errors import ShuttingDown

from .errors import ProcessFailed, ProcessNotReady, ProcessUnknown
from .process import ProcessState, ProcessStatus
from .protocol import ProcessManager


async def wait_ready(manager: ProcessManager, names: Iterable[str], timeout_s: float) -> None:
    """Return when each of `names` is ready.

    Raises ProcessFailed as soon as one has failed or is stopped, ProcessNotReady after `timeout_s`, ProcessUnknown
    for a name that was never started, and ShuttingDown when the manager ends.
    """
    wanted = tuple(names)
    with manager.changes() as changes:
        try:
            async with asyncio.timeout(timeout_s):
                while _not_ready(manager, wanted):
                    await anext(changes)
        except StopAsyncIteration:
            raise ShuttingDown("the process manager has ended") from None
        except TimeoutError:
            late = ", ".join(_described(status) for status in _not_ready(manager, wanted))
            if late:
                raise ProcessNotReady(f"not ready within {timeout_s:g} s: {late}") from None


def _not_ready(manager: ProcessManager, names: tuple[str, ...]) -> list[ProcessStatus]:
    statuses = manager.statuses()
    late = []
    for name in names:
        status = statuses.get(name)
        if status is None:
            raise ProcessUnknown(f"there is no process {name!r}")
        if status.state is ProcessState.FAILED:
            raise ProcessFailed(f"{name} failed: {status.last_error}")
        if status.state is ProcessState.STOPPED:
            raise ProcessFailed(f"{name} is stopped")
        if status.state is not ProcessState.READY:
            late.append(status)
    return late


def _described(status: ProcessStatus) -> str:
    words = [text for text in (status.status_text, status.last_error) if text]
    return f"{status.name} ({'; '.join(words)})" if words else status.name
