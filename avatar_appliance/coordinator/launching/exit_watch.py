"""Seeing workers end that nobody told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Self

from avatar_appliance.log import log_defect
from avatar_appliance.processes.changes import ChangeStream
from avatar_appliance.processes.process import ProcessState
from avatar_appliance.processes.protocol import ProcessManager

from .failure import failed_process
from .life import ENDED, process_status

_LOGGER = logging.getLogger(__name__)


class ExitWatch:
    """Tells once of each worker that was up and has ended; use it in `async with`."""

    def __init__(self, manager: ProcessManager) -> None:
        self._manager = manager
        self._up: dict[str, int | None] = {}
        self._callbacks: list[Callable[[str, str], None]] = []
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch(self._manager.changes()), name="watch over workers")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def on_exit(self, callback: Callable[[str, str], None]) -> None:
        """Call `callback(worker, why)` whenever a worker that was up ended by itself."""
        self._callbacks.append(callback)

    def expect_up(self, worker: str) -> None:
        """Tell of the end of this worker from now on; raises LaunchFailed when it has just ended."""
        status = process_status(self._manager, worker)
        if status.state is not ProcessState.READY:
            raise failed_process(status)
        self._up[worker] = status.pid

    def expect_end(self, worker: str) -> None:
        """Tell nothing: it is about to be ended."""
        self._up.pop(worker, None)

    async def _watch(self, changes: ChangeStream) -> None:
        with changes:
            async for status in changes:
                if status.name in self._up:
                    self._look_at(status.name)

    def _look_at(self, worker: str) -> None:
        # How it is now, not how it was when the change was told: that may be of an earlier life.
        status = process_status(self._manager, worker)
        if status.state is ProcessState.STOPPING:
            return  # until it has ended, its memory is not free
        if status.state is ProcessState.READY and status.pid == self._up[worker]:
            return
        del self._up[worker]
        why = failed_process(status).text if status.state in ENDED else "was started anew by somebody else"
        for callback in tuple(self._callbacks):
            try:
                callback(worker, why)
            except Exception as error:  # noqa: BLE001 - the watch over workers outlives any listener's defect
                log_defect(_LOGGER, "a listener to the end of workers failed", error)
