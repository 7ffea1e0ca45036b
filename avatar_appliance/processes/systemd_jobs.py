"""Jobs of systemd: what was asked of it and is not done yet."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

JobPath = str
LOST = "lost"
"""The result of a job whose end nobody saw: the bus was away."""
_REMEMBERED = 256


class Jobs:
    """The results of jobs by their object path, which systemd never uses twice.

    A job may be over before the answer to the call that made it has reached whoever asked: results are remembered.
    """

    def __init__(self) -> None:
        self._waiting: dict[JobPath, asyncio.Future[str]] = {}
        self._results: OrderedDict[JobPath, str] = OrderedDict()

    def removed(self, job: JobPath, result: str) -> None:
        """Take note of JobRemoved: `result` is "done", or why not ("canceled", "failed", "dependency", ...)."""
        self._results[job] = result
        if len(self._results) > _REMEMBERED:
            self._results.popitem(last=False)
        if (future := self._waiting.pop(job, None)) is not None and not future.done():
            future.set_result(result)

    def result(self, job: JobPath) -> str | None:
        """Return the result of `job` if it is over."""
        return self._results.get(job)

    def outcome(self, job: JobPath) -> asyncio.Future[str]:
        """Return what has the result of `job` once it is over; several may wait for it, so never cancel it."""
        future = self._waiting.get(job)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            if (known := self._results.get(job)) is not None:
                future.set_result(known)
            else:
                self._waiting[job] = future
        return future

    @property
    def waiting(self) -> list[JobPath]:
        """The jobs somebody waits for."""
        return list(self._waiting)
