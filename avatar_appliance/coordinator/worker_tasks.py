"""The slow work behind actions: each call ends in exactly one event, however it went."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from avatar_appliance.log import log_defect

from .device import CPU, DeviceId
from .events import (
    Event,
    FellAsleep,
    MemoryReturned,
    SleepFailed,
    Started,
    StartFailed,
    Stopped,
    WakeFailed,
    Woke,
)
from .launcher import LaunchFailed, WorkerLauncher
from .memory_meter import MemoryMeter

_LOGGER = logging.getLogger(__name__)

SAMPLE_S = 0.1
"""How often memory is looked at while something changes; a reading costs 0.03 ms (NVML)."""
RETURN_WAIT_S = 5.0
"""How long memory of an ended process may take to come back (Ollama waits as long; measured on Linux: at once)."""
RETURNED_SHARE = 0.75
"""Where processes cannot be told apart, this share of what was held must come back (Ollama's figure)."""


Work = Callable[[], Coroutine[Any, Any, Event]]


@dataclass(slots=True)
class _Use:
    """What a worker's device looked like while the worker was there."""

    pids: frozenset[int] = frozenset()
    held_bytes: int = 0
    used_bytes: int = 0


class WorkerTasks:
    """Starts, stops, sleeps, wakes and watches workers, each in a task of its own; `submit` takes the outcome.

    `look` refreshes the readings (and hands them to the scheduler); `measured` hears what a start took;
    `charged_bytes` tells what a worker is charged with on a device, for where it cannot be seen.
    """

    def __init__(
        self,
        launcher: WorkerLauncher,
        meter: MemoryMeter,
        submit: Callable[[Event], None],
        look: Callable[[], None],
        measured: Callable[[str, DeviceId, Started], None],
        charged_bytes: Callable[[str, DeviceId], int],
    ) -> None:
        self._launcher = launcher
        self._meter = meter
        self._submit = submit
        self._look = look
        self._measured = measured
        self._charged_bytes = charged_bytes
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._uses: dict[str, _Use] = {}
        self.errors: dict[str, str] = {}
        """What the launcher said last when a start failed, by worker, for people."""

    def start(self, worker: str, device: DeviceId, limit_bytes: int) -> None:
        """Begin a start."""
        self._begin(worker, lambda: self._start(worker, device, limit_bytes), StartFailed(worker, "crashed"))

    def stop(self, worker: str, device: DeviceId | None) -> None:
        """Begin a stop; whatever is under way for this worker is given up first."""
        before = self._tasks.get(worker)
        self._begin(worker, lambda: self._stop(worker, device, before), Stopped(worker))

    def watch(self, worker: str, device: DeviceId) -> None:
        """Begin to watch memory come back."""
        self._begin(worker, lambda: self._watch(worker, device), MemoryReturned(worker))

    def sleep(self, worker: str, device: DeviceId | None) -> None:
        """Begin to put to sleep."""
        self._begin(worker, lambda: self._sleep(worker, device), SleepFailed(worker))

    def wake(self, worker: str) -> None:
        """Begin to wake."""
        self._begin(worker, lambda: self._wake(worker), WakeFailed(worker, "crashed"))

    async def aclose(self) -> None:
        """Give up everything under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def note_use(self, worker: str, device: DeviceId) -> None:
        """Remember what the worker holds, for when it will have ended."""
        reading = self._meter.readings.get(device)
        pids = frozenset(self._launcher.pids(worker))
        if reading is not None and pids:
            held = self._meter.held_bytes(worker, device)
            held = self._charged_bytes(worker, device) if held is None else held
            self._uses[worker] = _Use(pids, held, reading.used_bytes)

    def _begin(self, worker: str, work: Work, otherwise: Event) -> None:
        # In a context of its own: what is logged there belongs to no request, though one may have brought it about.
        loop = asyncio.get_running_loop()
        self._tasks[worker] = loop.create_task(self._do(worker, work, otherwise), context=contextvars.Context())

    async def _do(self, worker: str, work: Work, otherwise: Event) -> None:
        """Submit what the work ends in; a worker of which nobody ever heard again would be stuck for good."""
        try:
            event = await work()
        except Exception as error:  # noqa: BLE001 - nobody awaits this task's result: say it here
            log_defect(_LOGGER, f"defect in the work on {worker}", error)
            event = otherwise
        self._submit(event)
        self._look()

    async def _start(self, worker: str, device: DeviceId, limit_bytes: int) -> Event:
        began_s = time.monotonic()
        self._meter.forget_peak(worker, device)
        self.errors.pop(worker, None)
        starting = asyncio.ensure_future(self._launcher.start(worker, device, limit_bytes))
        try:
            while not starting.done():
                await asyncio.wait({starting}, timeout=SAMPLE_S)
                self._look()
                self.note_use(worker, device)
            starting.result()
        except LaunchFailed as error:
            self.errors[worker] = error.text
            _LOGGER.warning("%s: %s", worker, error.text)
            return StartFailed(worker, error.failure)
        except BaseException:
            # Cancelled, or a defect: the launcher ends the process when its start is given up.
            self.errors[worker] = "its start was given up"
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            raise
        rest = self._meter.held_bytes(worker, device) or None
        started = Started(worker, rest, self._meter.peak_bytes(worker, device), time.monotonic() - began_s)
        self._measured(worker, device, started)
        return started

    async def _stop(self, worker: str, device: DeviceId | None, before: asyncio.Task[None] | None) -> Event:
        if device is not None:
            self.note_use(worker, device)
        if before is not None and not before.done():
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
        await self._launcher.stop(worker)  # where that fails its memory is watched next, and the truth comes out there
        return Stopped(worker)

    async def _watch(self, worker: str, device: DeviceId) -> Event:
        """Poll until the memory is back; what is still there after RETURN_WAIT_S is called residue."""
        use = self._uses.pop(worker, _Use())
        residue = 0
        if device != CPU:
            deadline_s = time.monotonic() + RETURN_WAIT_S
            while residue := self._still_held(device, use):
                if time.monotonic() >= deadline_s:
                    # Whatever of its group still lives holds on to it: end that, then trust the probe.
                    with suppress(Exception):
                        await self._launcher.stop(worker)
                    self._look()
                    residue = self._still_held(device, use)
                    break
                await asyncio.sleep(SAMPLE_S)
                self._look()
        return MemoryReturned(worker, residue)

    def _still_held(self, device: DeviceId, use: _Use) -> int:
        reading = self._meter.readings.get(device)
        if reading is None or not use.pids:
            return 0
        alive = self._meter.processes_on(device)
        if alive is not None:
            return sum(p.used_bytes or 0 for p in reading.processes or () if p.pid in use.pids) or int(
                bool(alive & use.pids)
            )
        held = use.held_bytes
        returned = use.used_bytes - reading.used_bytes
        return max(0, held - returned) if returned < RETURNED_SHARE * held else 0

    async def _sleep(self, worker: str, device: DeviceId | None) -> Event:
        try:
            await self._launcher.sleep(worker)
        except LaunchFailed as error:
            _LOGGER.warning("%s would not sleep: %s", worker, error.text)
            return SleepFailed(worker)
        self._look()
        return FellAsleep(worker, self._meter.held_bytes(worker, device) if device is not None else None)

    async def _wake(self, worker: str) -> Event:
        try:
            await self._launcher.wake(worker)
        except LaunchFailed as error:
            self.errors[worker] = error.text
            return WakeFailed(worker, error.failure)
        return Woke(worker)
