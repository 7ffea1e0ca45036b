"""The ladder of a role: the best worker that answers, and a short wait when none does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from avatar_appliance.errors import AvatarError, Busy, WorkerFailed, WorkerUnavailable


class Worker(Protocol):
    """What a rung of a ladder tells about itself."""

    @property
    def name(self) -> str:
        """Name for the history."""
        ...

    @property
    def down_since_s(self) -> float | None:
        """When (by the loop's clock) it was first found away; None after it was last found there."""
        ...


Rung = TypeVar("Rung", bound=Worker)
Opened = TypeVar("Opened")

# A killed worker is back within seconds; waiting for it beats failing the turn.
RESTART_WAIT_S = 6.0
RETRY_INTERVAL_S = 0.1
# What one worker may suffer and another one do without; anything else is the request's own fault.
WORKER_TROUBLE = (WorkerUnavailable, WorkerFailed, Busy)


@dataclass(frozen=True, slots=True)
class Step(Generic[Rung, Opened]):
    """The rung that answered; `degraded` says why it is not the first one, for the history."""

    rung: Rung
    opened: Opened
    degraded: str | None


async def climb_down(
    rungs: Sequence[Rung],
    open_rung: Callable[[Rung], Awaitable[Opened]],
    *,
    patience_s: float = 0.0,
) -> Step[Rung, Opened]:
    """Open the first rung that is available.

    The first rung may be away for `patience_s` before the others are tried, so that a worker that restarts keeps its
    turn; the whole ladder is tried for RESTART_WAIT_S. A rung that is busy or breaks (while being opened) is not tried
    again. Raises the last trouble seen when none opened, and at once what is no trouble of the worker's.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    hopeful = list(rungs)
    reason = ""
    trouble: AvatarError = WorkerUnavailable("no worker is configured for this")
    while hopeful:
        away_since = rungs[0].down_since_s or began  # not from now on: who is down for long is not waited for each time
        patient = hopeful[0] is rungs[0] and loop.time() - away_since < patience_s
        for rung in hopeful[:1] if patient else tuple(hopeful):
            try:
                opened = await open_rung(rung)
            except WORKER_TROUBLE as error:
                if not error.retryable:
                    raise
                trouble = error
                if rung is rungs[0]:
                    reason = error.code
                if not isinstance(error, WorkerUnavailable):
                    hopeful.remove(rung)
                continue
            degraded = None if rung is rungs[0] else f"{rung.name} instead of {rungs[0].name}: {reason}"
            return Step(rung, opened, degraded)
        if patient and hopeful[:1] != list(rungs[:1]):
            continue  # the first rung is given up: no reason to wait
        if loop.time() - began >= RESTART_WAIT_S:
            break
        if hopeful:
            await asyncio.sleep(RETRY_INTERVAL_S)
    raise trouble
