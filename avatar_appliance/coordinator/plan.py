"""What would fit: the scheduler itself, played on paper.

No copy of the rules: a scheduler with the same specs and policy gets the devices as they are (or would be), its starts
succeed at once with the sizes that are known, and what it would do for the rest is read from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from .actions import Start
from .device import CPU, DeviceId, is_gpu
from .events import DeviceSeen, Event, Started, StartWanted, Tick
from .eviction import Eviction
from .guest_mode import GuestSetting
from .placement import Chance, House
from .policy import SchedulerPolicy
from .scheduler import Scheduler
from .slot import ModelSlot
from .slot_state import SlotState
from .worker_spec import WorkerRole, WorkerSpec

Fit = Literal["resident", "beside", "instead", "no", "external"]
"""resident: loaded with the appliance, and stays; beside: loaded when first asked for, and fits beside the others;
instead: loaded when asked for, others go for it; no: there is no room for it; external: it runs elsewhere."""

_STEP_S = 1.0
_LONG_S = 1e6
"""Later than any residency, so that everybody idle may be sent away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRoom:
    """A device to plan for."""

    device: DeviceId
    name: str
    usable_bytes: int
    foreign_bytes: int = 0
    """What others hold there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWorker:
    """Where a worker would be. The totals are of its device, in the order in which workers come up."""

    name: str
    role: WorkerRole
    fit: Fit
    device: DeviceId | None
    priority: int
    pinned: bool
    measured: bool
    """Whether its bytes were measured on this machine, or are an estimate."""
    rest_bytes: int
    peak_bytes: int
    rest_total_bytes: int | None
    """With it at rest; None where it is not loaded beside the others."""
    peak_total_bytes: int | None
    """While it starts."""
    instead_of: tuple[str, ...] = ()
    text: str = ""
    """Why, in the scheduler's words, where it is not simply loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDevice:
    """A device with everything loaded that fits."""

    device: DeviceId
    name: str
    usable_bytes: int
    budget_bytes: int
    """The ceiling less the headroom: what workers and others may hold together."""
    foreign_bytes: int
    planned_bytes: int
    """By workers that fit at the same time, at rest."""
    beside_gpu_bytes: int = 0
    """Part of it on `cpu`: RAM of workers whose models are on a GPU."""

    @property
    def free_bytes(self) -> int:
        """What is left of the budget then."""
        return self.budget_bytes - self.foreign_bytes - self.planned_bytes


@dataclass(frozen=True, slots=True)
class VramPlan:
    """Who would be where; workers that are loaded first come first."""

    devices: tuple[PlannedDevice, ...]
    workers: tuple[PlannedWorker, ...]

    @property
    def all_fit(self) -> bool:
        """Whether every worker can be loaded at the same time."""
        return all(worker.fit in ("resident", "beside", "external") for worker in self.workers)


def make_plan(
    specs: Sequence[WorkerSpec],
    rooms: Sequence[DeviceRoom],
    *,
    policy: SchedulerPolicy | None = None,
    measured: Set[str] = frozenset(),
    guest_mode: GuestSetting = "auto",
) -> VramPlan:
    """Return what would fit on these devices; `measured` names the workers whose bytes are no estimates."""
    return _Rehearsal(specs, rooms, policy or SchedulerPolicy(), measured, guest_mode).plan()


class _Rehearsal:
    def __init__(
        self,
        specs: Sequence[WorkerSpec],
        rooms: Sequence[DeviceRoom],
        policy: SchedulerPolicy,
        measured: Set[str],
        guest_mode: GuestSetting,
    ) -> None:
        # Idleness has no place on paper: who fits, stays.
        self._specs = [replace(spec, keep_alive_s=None) for spec in specs]
        self._scheduler = Scheduler(self._specs, policy)
        self._scheduler.guest_mode.set(guest_mode, None)
        self._house = House(
            self._scheduler.slots, self._scheduler.accounts, self._scheduler.guest_mode, self._scheduler.policy
        )
        self._rooms = rooms
        self._measured = measured
        self._now_s = 0.0
        self._came: list[str] = []

    def plan(self) -> VramPlan:
        # Every device is known before the first start: it chooses between them, and needs RAM beside a GPU.
        accounts = self._scheduler.accounts
        for room in self._rooms:
            if room.device in accounts:
                accounts[room.device].see(room.usable_bytes, room.foreign_bytes, {})
                self._scheduler.guest_mode.see(accounts[room.device], self._now_s)
        for room in self._rooms:
            self._hand(DeviceSeen(device=room.device, usable_bytes=room.usable_bytes, used_bytes=room.foreign_bytes))
        self._settle()
        resident = frozenset(self._came)
        for slot in self._missing():
            if self._house.place(slot, self._now_s, Eviction.NONE).chance is Chance.FITS:
                self._hand(StartWanted(slot.name, Eviction.NONE))
                self._settle()
        self._now_s += _LONG_S
        totals = dict.fromkeys((room.device for room in self._rooms), 0)
        came = [self._loaded(self._scheduler.slots[name], totals, name in resident) for name in self._came]
        others = [self._left_out(slot) for slot in self._missing()]
        external = [_elsewhere(spec) for spec in self._specs if spec.external]
        return VramPlan(tuple(map(self._device, self._rooms)), (*came, *others, *external))

    def _hand(self, event: Event) -> None:
        starts = [action for action in self._scheduler.handle(event, self._now_s) if isinstance(action, Start)]
        for start in starts:
            self._came.append(start.worker)
            self._hand(Started(start.worker))

    def _settle(self) -> None:
        """Let time pass until nothing comes up any more."""
        while True:
            before = len(self._came)
            self._now_s += _STEP_S
            self._hand(Tick())
            if len(self._came) == before:
                return

    def _missing(self) -> list[ModelSlot]:
        missing = [slot for slot in self._scheduler.slots.values() if slot.state is not SlotState.READY]
        return sorted(missing, key=lambda slot: -slot.spec.priority)  # stable: then the order of the ladders

    def _loaded(self, slot: ModelSlot, totals: dict[DeviceId, int], resident: bool) -> PlannedWorker:
        assert slot.device is not None
        before = totals[slot.device]
        totals[slot.device] = before + slot.spec.rest_bytes
        return self._worker(
            slot,
            "resident" if resident else "beside",
            slot.device,
            rest_total_bytes=before + slot.spec.rest_bytes,
            peak_total_bytes=before + slot.spec.peak_bytes,
        )

    def _left_out(self, slot: ModelSlot) -> PlannedWorker:
        place = self._house.place(slot, self._now_s, Eviction.LOWER)
        fit: Fit = "instead" if place.chance in (Chance.FITS, Chance.EVICT) else "no"
        victims = tuple(victim.name for victim in place.victims)
        return self._worker(slot, fit, place.device, instead_of=victims, text=place.text)

    def _worker(
        self,
        slot: ModelSlot,
        fit: Fit,
        device: DeviceId | None,
        *,
        rest_total_bytes: int | None = None,
        peak_total_bytes: int | None = None,
        instead_of: tuple[str, ...] = (),
        text: str = "",
    ) -> PlannedWorker:
        return PlannedWorker(
            name=slot.name,
            role=slot.spec.role,
            fit=fit,
            device=device,
            priority=slot.spec.priority,
            pinned=slot.pinned,
            measured=slot.name in self._measured,
            rest_bytes=slot.spec.rest_bytes,
            peak_bytes=slot.spec.peak_bytes,
            rest_total_bytes=rest_total_bytes,
            peak_total_bytes=peak_total_bytes,
            instead_of=instead_of,
            text=text,
        )

    def _device(self, room: DeviceRoom) -> PlannedDevice:
        account = self._scheduler.accounts[room.device]
        loaded = [self._scheduler.slots[name] for name in self._came]
        beside = (slot.spec.host_bytes for slot in loaded if slot.device and is_gpu(slot.device))
        return PlannedDevice(
            device=room.device,
            name=room.name,
            usable_bytes=room.usable_bytes,
            budget_bytes=account.budget_bytes,
            foreign_bytes=room.foreign_bytes,
            planned_bytes=account.charged_bytes,
            beside_gpu_bytes=sum(beside) if room.device == CPU else 0,
        )


def _elsewhere(spec: WorkerSpec) -> PlannedWorker:
    return PlannedWorker(
        name=spec.name,
        role=spec.role,
        fit="external",
        device=None,
        priority=spec.priority,
        pinned=False,
        measured=False,
        rest_bytes=0,
        peak_bytes=0,
        rest_total_bytes=None,
        peak_total_bytes=None,
    )


def wanted_at_start(specs: Iterable[WorkerSpec]) -> list[WorkerSpec]:
    """Return the specs as if all of them were to be loaded with the appliance: for "would these fit together?"."""
    return [replace(spec, preload=not spec.external) for spec in specs]
