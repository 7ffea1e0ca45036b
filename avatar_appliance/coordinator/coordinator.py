"""The coordinator: the one task that owns the scheduler, and everything around it that is slow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

from avatar_appliance.log import log_defect

from .actions import Action, Deny, Grant, Revoke, Sleep, Start, Stop, Wake, WatchMemory
from .decision import Decision
from .decision_stream import DecisionLog
from .device import DeviceId
from .events import Adopted, Event, Exited, Started, Tick
from .launcher import WorkerLauncher
from .memory_meter import MemoryMeter
from .scheduler import Scheduler
from .slot_state import SlotState
from .worker_tasks import WorkerTasks

_LOGGER = logging.getLogger(__name__)

TICK_S = 0.5
"""How often devices are read and time passes for the scheduler while nothing happens."""
LOUD = frozenset({"deny", "failed", "crashed", "surprise", "shed", "residue", "guest-mode"})
"""Decisions an owner wants to find in the log without looking for them."""

Answer = Grant | Deny | Revoke


class Coordinator:
    """Hands events to the scheduler and carries its actions out.

    Events are dealt with at once, in the order they came (a lease for a ready worker costs microseconds here); only
    slow work runs in tasks, and their ends are events again. Use `async with coordinator.running()`.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        launcher: WorkerLauncher,
        meter: MemoryMeter,
        *,
        measured: Callable[[str, DeviceId, Started], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
        tick_s: float = TICK_S,
    ) -> None:
        self.scheduler = scheduler
        self.meter = meter
        self.launcher = launcher
        self.decisions = DecisionLog()
        self._clock = clock
        self._tick_s = tick_s
        self.work = WorkerTasks(launcher, meter, self.submit, self.look, measured, self._charged_bytes)
        self._events: deque[Event] = deque()
        self._handling = False
        self._answer: Callable[[Answer], None] = lambda _: None
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        launcher.on_exit(self._worker_exited)

    def on_answer(self, callback: Callable[[Answer], None]) -> None:
        """Have `callback` hear every answer to a request, and every revoked lease, at once."""
        self._answer = callback

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Adopt what runs already, then work until left; the workers stay as they are."""
        self.meter.look({})  # for sizes only: a worker that is up already must be known before anything is started
        for found in await self.launcher.running():
            slot = self.scheduler.slots.get(found.worker)
            if slot is not None and slot.state is SlotState.STOPPED:
                rest = self.meter.held_bytes(found.worker, found.device) or None
                self.submit(Adopted(found.worker, found.device, found.asleep, rest))
        self.look()
        ticking = asyncio.create_task(self._tick(), name="coordinator")
        try:
            yield
        finally:
            self._closing = True
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            if self._timer is not None:
                self._timer.cancel()
            await self.work.aclose()
            self.decisions.close()

    def submit(self, event: Event) -> None:
        """Deal with an event now, or right after the one that is being dealt with."""
        self._events.append(event)
        if self._handling or self._closing:
            return
        self._handling = True
        try:
            while self._events:
                self._deal_with(self._events.popleft())
        finally:
            self._handling = False
        self._set_timer()

    def look(self) -> None:
        """Read the devices and tell the scheduler."""
        holders: dict[DeviceId, list[str]] = {}
        for device, account in self.scheduler.accounts.items():
            holders[device] = list(account.charges)
        self.submit(self.meter.look(holders))

    def error_of(self, worker: str) -> str:
        """Return why a worker last failed, for people."""
        return self.work.errors.get(worker) or self.scheduler.slots[worker].last_error

    def _charged_bytes(self, worker: str, device: DeviceId) -> int:
        account = self.scheduler.accounts.get(device)
        return account.charges.get(worker, 0) if account is not None else 0

    def _deal_with(self, event: Event) -> None:
        try:
            actions = self.scheduler.handle(event, self._clock())
        except Exception as error:  # noqa: BLE001 - one bad event must not end the coordination of all others
            log_defect(_LOGGER, f"defect while dealing with {type(event).__name__}", error)
            return
        for decision in self.scheduler.take_decisions():
            self._record(decision)
        for action in actions:
            self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Grant() | Deny() | Revoke():
                self._answer(action)
            case Start(worker, device, charge_bytes):
                self.work.start(worker, device, charge_bytes)
            case Stop(worker):
                self.work.stop(worker, self.scheduler.slots[worker].device)
            case WatchMemory(worker, device):
                self.work.watch(worker, device)
            case Sleep(worker):
                self.work.sleep(worker, self.scheduler.slots[worker].device)
            case Wake(worker):
                self.work.wake(worker)

    def _record(self, decision: Decision) -> None:
        level = logging.WARNING if decision.kind in LOUD else logging.INFO
        _LOGGER.log(level, "%s", decision.text)
        self.decisions.add(decision)

    def _worker_exited(self, worker: str, why: str) -> None:
        if worker in self.scheduler.slots:
            self.work.errors[worker] = why
            self.submit(Exited(worker))

    def _set_timer(self) -> None:
        """Look again exactly when a waiting request's time is over, not half a tick later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self._clock()
        next_s = self.scheduler.next_look_s(now_s)
        if next_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, next_s - now_s), self.submit, Tick())

    async def _tick(self) -> None:
        while True:
            self.look()
            self._note_uses()
            self.submit(Tick())
            await asyncio.sleep(self._tick_s)

    def _note_uses(self) -> None:
        """Remember what workers hold: one that crashes cannot be asked any more."""
        for name, slot in self.scheduler.slots.items():
            if slot.device is not None and slot.state in (SlotState.READY, SlotState.SLEEPING):
                self.work.note_use(name, slot.device)
