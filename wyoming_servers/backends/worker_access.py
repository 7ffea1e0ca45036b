"""How a server gets at a worker: the coordinator says which, and a lease is held while it computes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from avatar_appliance.errors import AvatarError, CoordinatorAway, WorkerLoading, WorkerUnavailable
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.client import LeaseClient
from avatar_appliance.leases.lease import Lease
from avatar_appliance.log import log_defect

from .climb import WORKER_TROUBLE, Climb, Rung, Worker
from .use import Use

_LOGGER = logging.getLogger(__name__)

Opened = TypeVar("Opened")

# How long a worker that somebody hung up on is believed to compute on; then its lease is given back all the same.
IDLE_WAIT_S = 30.0


class WorkerAccess:
    """Opens the worker that the coordinator picks; while that is away, the best one that is up."""

    def __init__(self, leases: LeaseClient, *, wait_s: float, warm: Sequence[str] = ()) -> None:
        """`wait_s`: how long a worker may take to be loaded before a lower rung, or a clear no, is the answer.

        `warm` are the workers that will be wanted after ours: the coordinator may load them meanwhile.
        """
        self._leases = leases
        self._wait_s = wait_s
        self._warm = tuple(warm)
        self._lingering: set[asyncio.Task[None]] = set()

    def for_itself(self) -> WorkerAccess:
        """Return an access like this one that warms nobody up: for work that no turn goes on from. Close it, too."""
        return WorkerAccess(self._leases, wait_s=self._wait_s)

    async def aclose(self) -> None:
        """Give back at once what is held only until a worker that somebody hung up on is idle."""
        for task in self._lingering:
            task.cancel()
        await asyncio.gather(*self._lingering, return_exceptions=True)

    async def open(
        self,
        rungs: Sequence[Rung],
        open_rung: Callable[[Rung], Awaitable[Opened]],
        *,
        urgency: Urgency,
        patience_s: float = 0.0,
        wait_s: float | None = None,
    ) -> Use[Rung, Opened]:
        """Return the best rung that can be had, opened; how long a ladder is tried, `Climb` says.

        `wait_s` is how long this one may wait for a worker to be loaded, where not as long as any other.
        Raises the last trouble seen when none opened; a denial of the coordinator's (NoMemory, GuestMode, ServerFull,
        WorkerFailed, WorkerUnavailable), and what is no trouble of a worker's, at once.
        """
        climb = Climb(rungs, patience_s)
        while not climb.over:
            patient = climb.patient
            lease: Lease | None = None
            tries: Sequence[Rung] = ()
            try:
                lease, rung = await self._ask(climb.asked_for, urgency, wait_s)
                tries = (rung,)
            except CoordinatorAway:
                tries = climb.tried
            except WORKER_TROUBLE as denial:
                climb.denied(denial)
            for rung in tries:
                held = lease or self._leases.hold(rung.worker, urgency)
                try:
                    opened = await open_rung(rung)
                except WORKER_TROUBLE as error:
                    held.release()
                    climb.failed(rung, error)
                except BaseException:
                    self._linger(rung, held)
                    raise
                else:
                    return Use(rung, opened, climb.degraded(rung, held.degraded), held, self._linger)
            await climb.pause(patient)
        raise climb.trouble

    @contextlib.asynccontextmanager
    async def brought_up(self, workers: Sequence[str]) -> AsyncIterator[None]:
        """Have one of `workers` up meanwhile if the coordinator can, without using it: so that it tells its offer."""
        if not workers:
            yield
            return
        task = asyncio.create_task(self._keep_up(workers), name="bring up")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_up(self, workers: Sequence[str]) -> None:
        while True:
            try:
                async with await self._leases.request(workers, urgency=Urgency.IDLE, wait_s=self._wait_s) as lease:
                    await lease.revoked.wait()
            except WorkerLoading:
                continue
            except AvatarError:
                return

    async def _ask(self, ladder: Sequence[Rung], urgency: Urgency, wait_s: float | None) -> tuple[Lease, Rung]:
        workers = list(dict.fromkeys(rung.worker for rung in ladder))
        wait_s = self._wait_s if wait_s is None else wait_s
        lease = await self._leases.request(workers, urgency=urgency, wait_s=wait_s, warm=self._warm)
        for rung in ladder:
            if rung.worker == lease.worker:
                return lease, rung
        lease.release()
        raise WorkerUnavailable("the coordinator granted a worker that nobody asked for")

    def _linger(self, rung: Worker, lease: Lease) -> None:
        """Give the lease back when the worker really stopped computing: cancelled is not idle."""
        lease.set_urgency(Urgency.BACKGROUND)
        task = asyncio.create_task(self._wait_idle(rung), name=f"linger {rung.worker}")
        self._lingering.add(task)
        # Not at the end of the task itself: one that is cancelled before its first step has no end.
        task.add_done_callback(lambda _: lease.release())
        task.add_done_callback(self._lingering.discard)

    async def _wait_idle(self, rung: Worker) -> None:
        try:
            async with asyncio.timeout(IDLE_WAIT_S):
                await rung.wait_idle()
        except AvatarError:
            pass  # it is gone, or cannot say
        except TimeoutError:
            _LOGGER.warning("worker %s computes on, %g s after its client hung up", rung.worker, IDLE_WAIT_S)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: say it here
            log_defect(_LOGGER, f"defect while waiting for worker {rung.worker}", error)
