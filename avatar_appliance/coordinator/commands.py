"""What people see of the coordinator and may ask of it, over the real one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from avatar_appliance.errors import AvatarError, GuestMode, NoMemory

from .control_errors import CommandRefused, WorkerUnknown
from .coordinator import Coordinator
from .decision import Decision
from .device import DeviceId, is_gpu
from .events import GuestModeChanged, PinChanged, SleepWanted, StartWanted, StopWanted
from .eviction import Eviction
from .guest_mode import GuestSetting
from .placement import Chance
from .slot import ModelSlot
from .slot_state import SlotState
from .state import (
    CoordinatorState,
    DeviceState,
    GuestState,
    WaitingRequest,
    WorkerState,
)

_UP = (SlotState.READY, SlotState.STARTING, SlotState.WAKING)


class CoordinatorCommands:
    """Implements `CoordinatorControl`.

    `engines` names the engine of each worker, `measured` the workers whose bytes were measured on this machine, and
    `notes` tells what people should know about the readings. `clock` is the coordinator's.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        engines: Mapping[str, str],
        measured: Collection[str],
        *,
        notes: Callable[[], Sequence[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._coordinator = coordinator
        self._scheduler = coordinator.scheduler
        self._engines = engines
        self._measured = measured
        self._notes = notes
        self._clock = clock

    def state(self) -> CoordinatorState:
        """Return what is known at this moment, without I/O."""
        now_s, scheduler = self._clock(), self._scheduler
        devices = sorted(scheduler.accounts, key=lambda device: (not is_gpu(device), device))
        return CoordinatorState(
            devices=[
                self._device(device)
                for device in devices
                if scheduler.accounts[device].usable_bytes or scheduler.accounts[device].lost
            ],
            workers=[self._worker(slot, now_s) for slot in scheduler.slots.values()],
            waiting=[
                WaitingRequest(
                    lease_id=request.lease_id,
                    client=request.client,
                    ladder=request.ladder,
                    urgency=request.urgency,
                    waited_s=now_s - asked_s,
                    deadline_in_s=request.deadline_s - now_s,
                )
                for request, asked_s in scheduler.waiting()
            ],
            guest_mode=self._guest(now_s),
            decisions=self._coordinator.decisions.recent,
            policy=scheduler.policy,
            notes=self._notes(),
        )

    def events(self) -> AbstractContextManager[AsyncIterator[Decision]]:
        """Open a stream of the decisions from now on."""
        return self._coordinator.decisions.stream()

    def time_of_day(self, at_s: float) -> float:
        """Return the epoch seconds of a moment of the coordinator's clock."""
        return time.time() - self._clock() + at_s

    async def start(self, worker: str) -> WorkerState:
        """Bring a worker up, or wake it; idle workers of any priority may go for it."""
        return self._bring_up(worker, Eviction.ANY)

    async def preload(self, worker: str) -> WorkerState:
        """Bring a worker up beside everything else; nobody goes for it."""
        return self._bring_up(worker, Eviction.NONE)

    async def stop(self, worker: str, *, force: bool = False) -> WorkerState:
        """End a worker and keep it down until a person starts it."""
        slot = self._local(worker)
        self._coordinator.submit(StopWanted(worker, force))
        return self._worker(slot, self._clock())

    async def sleep(self, worker: str) -> WorkerState:
        """Put an idle worker to sleep."""
        slot = self._local(worker)
        if not slot.spec.can_sleep:
            raise CommandRefused(f"{worker} cannot sleep")
        if slot.leases:
            raise CommandRefused(f"{worker} is in use")
        if slot.state in (SlotState.SLEEPING, SlotState.FALLING_ASLEEP):
            return self._worker(slot, self._clock())
        if slot.state is not SlotState.READY:
            raise CommandRefused(f"{worker} is {slot.state}")
        self._coordinator.submit(SleepWanted(worker))
        if slot.state is SlotState.READY:
            raise NoMemory(f"the RAM has no room for {worker} asleep")
        return self._worker(slot, self._clock())

    async def wake(self, worker: str) -> WorkerState:
        """Wake a sleeping worker."""
        slot = self._local(worker)
        if slot.state not in (SlotState.SLEEPING, SlotState.WAKING, SlotState.READY):
            raise CommandRefused(f"{worker} is {slot.state}, not asleep")
        return self._bring_up(worker, Eviction.ANY)

    async def pin(self, worker: str, pinned: bool) -> WorkerState:
        """Keep a worker from going for the memory of others, or let it go."""
        slot = self._local(worker)
        self._coordinator.submit(PinChanged(worker, pinned))
        return self._worker(slot, self._clock())

    def note_canary(self, worker: str, text: str) -> None:
        """Put what the canary found of a worker into the stream of decisions."""
        self._coordinator.decisions.add(Decision(kind="canary", at_s=self._clock(), text=text, worker=worker))

    async def guest_mode(self, mode: GuestSetting, duration_s: float | None = None) -> GuestState:
        """Give the GPUs away, keep them, or let others' use decide."""
        now_s = self._clock()
        self._coordinator.submit(GuestModeChanged(mode, None if duration_s is None else now_s + duration_s))
        return self._guest(now_s)

    def _bring_up(self, worker: str, eviction: Eviction) -> WorkerState:
        slot, now_s = self._local(worker), self._clock()
        if slot.state in (SlotState.STOPPED, SlotState.SLEEPING, SlotState.FAILED):
            place = self._scheduler.place(slot, now_s, eviction)
            if place.chance > Chance.PENDING:
                raise _refusal(place.chance)(f"{worker}: {place.text}")
        self._coordinator.submit(StartWanted(worker, eviction))
        return self._worker(slot, self._clock())

    def _local(self, worker: str) -> ModelSlot:
        slot = self._scheduler.slots.get(worker)
        if slot is None:
            raise WorkerUnknown(f"no ladder uses a worker {worker!r}")
        if slot.spec.external:
            raise CommandRefused(f"{worker} runs elsewhere: it is neither started nor stopped here")
        return slot

    def _device(self, device: DeviceId) -> DeviceState:
        account = self._scheduler.accounts[device]
        reading = self._coordinator.meter.readings.get(device)
        foreign = None
        if reading is not None and reading.processes is not None:
            ours = {pid for name in account.charges for pid in self._coordinator.launcher.pids(name)}
            foreign = tuple(process for process in reading.processes if process.pid not in ours)
        return DeviceState(
            device=device,
            reading=reading,
            budget_bytes=account.budget_bytes,
            charged_bytes=account.charged_bytes,
            foreign_bytes=account.foreign_bytes,
            charges=dict(account.charges),
            foreign_processes=foreign,
            guest=self._scheduler.guest_mode.why(device),
            lost=account.lost,
        )

    def _worker(self, slot: ModelSlot, now_s: float) -> WorkerState:
        coming = slot.state in (SlotState.STARTING, SlotState.WAKING)
        account = self._scheduler.accounts[slot.device] if slot.device is not None else None
        waits = slot.state in (SlotState.STOPPED, SlotState.FAILED) and slot.retry_at_s > now_s
        error = self._coordinator.error_of(slot.name) if slot.state not in _UP else ""
        return WorkerState(
            spec=slot.spec,
            engine=self._engines.get(slot.name, ""),
            state=slot.state,
            pinned=slot.pinned,
            device=slot.device,
            progress=self._coordinator.launcher.progress(slot.name) if coming else "",
            charged_bytes=account.charges.get(slot.name, 0) if account is not None else 0,
            seen_bytes=account.seen_bytes(slot.name) if account is not None else None,
            measured=slot.name in self._measured,
            leases=len(slot.leases),
            crashes=slot.crashes,
            since_s=now_s - slot.since_s,
            idle_s=now_s - slot.idle_since_s if slot.idle and not slot.spec.external else None,
            held_down=slot.held_down,
            draining=slot.draining,
            last_error=error or None,
            retry_in_s=slot.retry_at_s - now_s if waits and not slot.hopeless else None,
        )

    def _guest(self, now_s: float) -> GuestState:
        guest_mode = self._scheduler.guest_mode
        until_s = guest_mode.until_s
        return GuestState(
            mode=guest_mode.setting,
            remaining_s=None if until_s is None else max(0.0, until_s - now_s),
            guests={device: why for device in self._scheduler.accounts if (why := guest_mode.why(device)) is not None},
        )


def _refusal(chance: Chance) -> type[AvatarError]:
    return GuestMode if chance is Chance.GUEST else NoMemory
