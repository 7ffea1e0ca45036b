"""One climb down a ladder: which rungs are still worth trying, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from avatar_appliance.errors import AvatarError, Busy, WorkerFailed, WorkerLoading, WorkerUnavailable


class Worker(Protocol):
    """What a rung of a ladder tells about itself."""

    @property
    def name(self) -> str:
        """Name for the history."""
        ...

    @property
    def worker(self) -> str:
        """Name of the worker, for the coordinator; several rungs may share one."""
        ...

    @property
    def down_since_s(self) -> float | None:
        """When (by the loop's clock) it was first found away; None after it was last found there."""
        ...

    async def wait_idle(self) -> None:
        """Return when it computes nothing more for requests that hung up; raises AvatarError where nobody can tell."""
        ...


Rung = TypeVar("Rung", bound=Worker)

# A killed worker is back within seconds; waiting for it beats failing the turn.
RESTART_WAIT_S = 6.0
RETRY_INTERVAL_S = 0.1
# When a loading worker will be ready is an estimate, often made while everything else was starting, too.
ROUGH_ESTIMATE = 2.0
# What one worker may suffer and another one do without; anything else is the request's own fault.
WORKER_TROUBLE = (WorkerUnavailable, WorkerFailed, Busy)


class Climb(Generic[Rung]):
    """The first rung may be away for `patience_s` before others are tried; the whole ladder for RESTART_WAIT_S.

    A rung that is busy or breaks while it is opened is not tried again.
    """

    def __init__(self, rungs: Sequence[Rung], patience_s: float) -> None:
        self.trouble: AvatarError = WorkerUnavailable("no worker is configured for this")
        """What went wrong last."""
        self._rungs = list(rungs)
        self._hopeful = list(rungs)
        self._away: list[Rung] = []
        self._reason = ""
        self._now_s = asyncio.get_running_loop().time
        self._began_s = self._now_s()
        self._patience_s = patience_s

    @property
    def over(self) -> bool:
        """Whether no rung is worth another try."""
        return not self._hopeful

    @property
    def patient(self) -> bool:
        """Whether only the first rung is tried, which may be restarting."""
        if self._hopeful[:1] != self._rungs[:1]:
            return False
        # Not from now on: who is down for long is not waited for each time.
        away_since_s = self._rungs[0].down_since_s or self._began_s
        return self._now_s() - away_since_s < self._patience_s

    @property
    def asked_for(self) -> list[Rung]:
        """The rungs to ask the coordinator for: not those it granted already and nobody was there."""
        return [rung for rung in self._hopeful if rung not in self._away] or self._hopeful

    @property
    def tried(self) -> list[Rung]:
        """The rungs to try where nobody says which."""
        return self._hopeful[:1] if self.patient else list(self._hopeful)

    def denied(self, error: AvatarError) -> None:
        """Note a denial; raises it where asking again within our time is no use."""
        if self._away:
            self._away.clear()  # asked for less than the whole ladder: ask for all of it
        elif not isinstance(error, WorkerLoading) or (error.retry_after_s or 0) > ROUGH_ESTIMATE * self._left_s:
            raise error
        self.trouble = error

    def failed(self, rung: Rung, error: AvatarError) -> None:
        """Note why a rung did not open; raises what no other rung can help."""
        if not error.retryable:
            raise error
        self.trouble = error
        if rung is self._rungs[0]:
            self._reason = error.code
        if not isinstance(error, WorkerUnavailable):
            self._hopeful.remove(rung)
        elif not self.patient and rung not in self._away:
            self._away.append(rung)

    def degraded(self, rung: Rung, told: str | None) -> str | None:
        """Return why `rung` is not the first one, None where it is; `told` is what the coordinator says."""
        if rung is self._rungs[0]:
            return None
        return told or f"{rung.name} instead of {self._rungs[0].name}: {self._reason}"

    async def pause(self, was_patient: bool) -> None:
        """Wait a moment before the next try; raises the last trouble when the time is up."""
        if was_patient and self._hopeful[:1] != self._rungs[:1]:
            return  # the first rung is given up: no reason to wait
        if self._left_s <= 0:
            raise self.trouble
        if self._hopeful:
            await asyncio.sleep(RETRY_INTERVAL_S)

    @property
    def _left_s(self) -> float:
        return self._began_s + RESTART_WAIT_S - self._now_s()
