"""Finds out that the house has gone deaf or mute before its people do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from avatar_appliance.admin.system_info import SystemProblem
from avatar_appliance.canary.errors import CanaryFailed
from avatar_appliance.canary.listening import CanaryWorker, Miss, NothingLearnt, listen
from avatar_appliance.canary.record import MISSES, CanaryRecord
from avatar_appliance.client.endpoint import UnixEndpoint
from avatar_appliance.config import Settings
from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.commands import CoordinatorCommands
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorState, WorkerState
from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect

_LOGGER = logging.getLogger(__name__)

RETRY_S = 15.0
"""After a miss, or while the house is in use."""
LOOK_S = 0.1
"""How often a canary looks whether somebody wants to speak."""
_JITTER = 0.1


class IdleCanary:
    """Talks to the workers themselves, without a lease: nobody waits for it, nothing stays loaded because of it, and it
    leaves no turn. It breaks off as soon as a worker is leased or waited for.
    """

    def __init__(
        self,
        settings: Settings,
        coordinator: CoordinatorCommands,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._coordinator = coordinator
        self._clock = clock
        self._sleep = sleep
        self._record = CanaryRecord()
        self._understood = False

    def problems(self) -> Sequence[SystemProblem]:
        """Return what is wrong now, if anything."""
        problem = self._record.problem
        if problem is None:
            return ()
        return (
            SystemProblem(
                code=CanaryFailed.code,
                text=f"{problem.text} ({problem.code})",
                hint=f"{problem.worker} is restarted now and then; `avatar vram decisions` says what came of it.",
                since=datetime.fromtimestamp(problem.since, UTC),
                worker=problem.worker,
            ),
        )

    async def run(self) -> None:
        """Try every now and then, for ever."""
        pause_s = self._interval_s()
        while True:
            await self._sleep(pause_s)
            try:
                done = await self.once()
            except AvatarError as error:
                _LOGGER.warning("canary: %s (%s)", error.text, error.code)
                done = True
            except Exception as error:  # noqa: BLE001 - one defect must not end the self-test
                log_defect(_LOGGER, "defect in the canary", error)
                done = True
            soon = not done or 0 < self._record.misses <= MISSES  # the second one was followed by a restart
            pause_s = min(RETRY_S, self._interval_s()) if soon else self._interval_s()

    async def once(self) -> bool:
        """Try once; False where the house is in use, or came into use meanwhile."""
        state = self._coordinator.state()
        if not self._quiet(state):
            return False
        mouths = self._up(state, self._settings.tts.workers)
        ears = self._up(state, self._settings.asr.workers)
        if not mouths or not ears:
            return True  # nothing is started for this
        trying = asyncio.create_task(
            listen(self._settings.house.languages, mouths, ears, timeout_s=self._settings.canary.timeout_s),
            name="canary",
        )
        try:
            while not trying.done():
                if _in_use(self._coordinator.state()):
                    return False
                await asyncio.wait({trying}, timeout=LOOK_S)
            miss = trying.result()
        except NothingLearnt:
            return True
        finally:
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)
        before, state = state, self._coordinator.state()
        if miss is None:
            self._well()
        elif _in_use(state) or not (_crashes(state) > _crashes(before) or self._all_up(state, miss.suspects)):
            return False  # it was unloaded, or a person used it, in the middle: that explains much
        else:
            await self._missed(miss)
        return True

    def _well(self) -> None:
        if not self._understood:
            self._understood = True
            _LOGGER.info("canary: the house speaks, and understands what it says")
        problem = self._record.problem
        self._record.success()
        if problem is not None:
            _LOGGER.info("canary: all is well again")
            self._coordinator.note_canary(problem.worker, "the canary is understood again")

    async def _missed(self, miss: Miss) -> None:
        worker = self._record.miss(miss, self._clock())
        _LOGGER.warning("canary: %s (%s)", miss.text, miss.code)
        if worker is None:
            return
        if not self._all_up(self._coordinator.state(), (worker,)):
            self._coordinator.note_canary(worker, f"two misses in a row: {miss.text}")
            return  # it crashed: the coordinator brings it back by itself, with a patience of its own
        self._coordinator.note_canary(worker, f"two misses in a row: {miss.text}; {worker} is restarted")
        with contextlib.suppress(AvatarError):  # it has gone by itself meanwhile, or has no room to come back
            await self._coordinator.stop(worker)
            await self._coordinator.preload(worker)

    def _quiet(self, state: CoordinatorState) -> bool:
        if _in_use(state):
            return False
        idle = [worker.idle_s for worker in state.workers if worker.idle_s is not None]
        return min(idle, default=0.0) >= self._settings.canary.quiet_s

    def _up(self, state: CoordinatorState, ladder: Sequence[str]) -> list[CanaryWorker]:
        up = {worker.spec.name for worker in state.workers if _is_up(worker)}
        folder = self._settings.paths.runtime_dir
        return [CanaryWorker(name, UnixEndpoint(socket_path(folder, name))) for name in ladder if name in up]

    def _all_up(self, state: CoordinatorState, names: Sequence[str]) -> bool:
        return {*names} <= {worker.spec.name for worker in state.workers if _is_up(worker)}

    def _interval_s(self) -> float:
        interval_s = self._settings.canary.interval_s
        return interval_s * random.uniform(1 - _JITTER, 1 + _JITTER)


def _in_use(state: CoordinatorState) -> bool:
    return bool(state.waiting) or any(worker.leases for worker in state.workers)


def _crashes(state: CoordinatorState) -> int:
    return sum(worker.crashes for worker in state.workers)


def _is_up(worker: WorkerState) -> bool:
    # One elsewhere is its own machine's to test: this one could not restart it.
    return worker.state is SlotState.READY and not worker.spec.external and not worker.draining
