"""Where a worker can start now, and who would have to go for it: reads the state, changes nothing.

Per device, in the order of `WorkerSpec.devices`; GPUs before `cpu` whatever happens there, because a worker that can do
both is there for its speed:

    nobody has seen the device, or it was lost     SHORT
    guest mode                                     GUEST
    more than its whole budget                     NEVER
    another worker starts there, or is promised it PENDING   (starts on a GPU are serialised)
    it ran out of memory, others are leaving       PENDING   (the second try waits for what was cleared away)
    fits                                           FITS      (of several GPUs the one with most room left)
    fits once what is leaving has left             PENDING
    fits without the victims                       EVICT     (see victims.py)
    else                                           SHORT

A start that fits on a GPU, or would, needs its share of RAM as well: where that is short, PENDING, EVICT (of sleepers
and of workers on the CPU) or SHORT.

The best outcome of all devices counts: FITS, what is being cleared for it, EVICT, PENDING, SHORT, GUEST, NEVER.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter
from typing import NamedTuple

from avatar_appliance.config.size import format_size

from .account import DeviceAccount
from .device import CPU, DeviceId, is_gpu
from .device_view import Candidate, DeviceView, leaving_bytes, view_of
from .eviction import Eviction
from .guest_mode import GuestMode
from .policy import SchedulerPolicy
from .slot import ModelSlot
from .slot_state import SlotState
from .victims import smallest_set
from .worker_spec import WorkerSpec


class Chance(IntEnum):
    """How a start stands; lower is better."""

    FITS = 0
    EVICT = 1
    PENDING = 2
    SHORT = 3
    GUEST = 4
    NEVER = 5


class Place(NamedTuple):
    """The outcome for one worker."""

    chance: Chance
    tell: Callable[[], str]
    device: DeviceId | None = None
    """Where it would start; for EVICT where the victims give memory back: there, or `cpu` for its share of RAM."""
    victims: tuple[ModelSlot, ...] = ()
    need_bytes: int = 0
    """What the victims must give back."""
    from_s: float | None = None
    """From when it can start, where it waits for somebody who comes up."""

    @property
    def text(self) -> str:
        """For people: "needs 7.1 GiB on cuda:0, 3.2 GiB free, in use: asr, llm"."""
        return self.tell()


_first = itemgetter(0)
_QUEUE = slice(DeviceView._fields.index("promised_to"), DeviceView._fields.index("coming_at_s") + 1)

Rank = tuple[int, float, int, int]
"""Lower is better; see `_rank`."""


@dataclass(slots=True)
class _Judged:
    """What was found for a worker, and all that depends on it alone; `places` by device, as good as their views."""

    spec: WorkerSpec
    state: SlotState
    out_of_memory: int
    at_look: int = -1
    places: dict[DeviceId, tuple[Rank, Place]] = field(default_factory=dict)
    best: tuple[Rank, Place] | None = None

    def is_about(self, slot: ModelSlot) -> bool:
        """Return whether it is still about the same."""
        return self.spec is slot.spec and self.state is slot.state and self.out_of_memory == slot.out_of_memory


class House:
    """What placement looks at: all slots, all accounts, and who is a guest.

    Within a pass (`begin_pass` to `end_pass`) devices are looked at again after `changed` only; outside of one, for
    every question.
    """

    def __init__(
        self,
        slots: Mapping[str, ModelSlot],
        accounts: Mapping[DeviceId, DeviceAccount],
        guest_mode: GuestMode,
        policy: SchedulerPolicy,
    ) -> None:
        self.slots = slots
        self.accounts = accounts
        self.guest_mode = guest_mode
        self.policy = policy
        self.settled_from_s = 0.0
        """Nobody is sent away before: after a restart of the coordinator its users are still reconnecting."""
        self.version = 0
        """Changes with everything that may change an answer, but for time."""
        self._in_pass = False
        self._stale: set[DeviceId] = set(accounts)
        self._looks = 0
        """Counts the looks at devices that found something changed."""
        self._queues: dict[DeviceId, Place | None] = {}
        self._free_ram_bytes = sys.maxsize
        self._views: dict[DeviceId, DeviceView] = {}
        self._changes: list[tuple[int, DeviceId]] = []
        """Which look found each device changed, the latest last."""
        self._judged: tuple[dict[str, _Judged], ...] = tuple({} for _ in Eviction)
        """By what may be sent away, and by worker."""

    def begin_pass(self, now_s: float) -> None:
        """From now on, whoever changes anything calls `changed`, as everybody has done since the last pass."""
        self._in_pass = True
        self._look(now_s)

    def end_pass(self) -> None:
        """The outside may ask again."""
        self._in_pass = False

    def changed(self, device: DeviceId | None, *, ram: bool = True) -> None:
        """Something has changed on a device: charges, states, leases, promises; and with it perhaps in RAM."""
        self.version += 1
        if ram:
            self._stale.add(CPU)
        if device is not None:
            self._stale.add(device)

    def doubt(self, *devices: DeviceId) -> None:
        """Something may have changed, on these devices or on all; looking will tell."""
        self._stale.update(devices or self.accounts)

    def on(self, device: DeviceId) -> list[ModelSlot]:
        """Return the slots that are on a device."""
        return [slot for name in self.accounts[device].charges if (slot := self.slots[name]).device == device]

    def charged(self, device: DeviceId) -> list[ModelSlot]:
        """Return the slots that hold memory of a device: those on it and, of the RAM, those on GPUs with a share."""
        return [self.slots[name] for name in self.accounts[device].charges]

    def leaving_bytes(self, slot: ModelSlot, device: DeviceId) -> int:
        """Return what a slot is about to give back of a device."""
        account = self.accounts[device]
        return leaving_bytes(slot, account, account.charges.get(slot.name, 0))

    def place(self, slot: ModelSlot, now_s: float, eviction: Eviction) -> Place:
        """Return how a start of `slot` (or its waking) stands."""
        if not self._in_pass:
            self._stale.update(self.accounts)
        if self._stale:
            self._look(now_s)
        may_evict = eviction if now_s >= self.settled_from_s else Eviction.NONE
        judged = self._judged[may_evict].get(slot.name)
        if judged is None or not judged.is_about(slot):
            judged = self._judged[may_evict][slot.name] = _Judged(slot.spec, slot.state, slot.out_of_memory)
        if judged.at_look != self._looks:
            self._judge(slot, judged, may_evict)
        best = judged.best
        if slot.spec.host_bytes > self._free_ram_bytes and (short := self._short_of_ram(slot, may_evict)) is not None:
            with_ram = [self._with_ram(slot, *place, short) for place in judged.places.values()]
            best = min(with_ram, default=None, key=_first)
        return best[1] if best is not None else Place(Chance.NEVER, lambda: "there is no device it could run on")

    def _look(self, now_s: float) -> None:
        """Look at the devices where something may have changed."""
        awaited = [account.promised_to for account in self.accounts.values()] if self._stale else ()
        for device in self._stale:
            guest = self.guest_mode.why(device)
            view = view_of(self.accounts[device], self.slots, awaited, guest, self.policy, now_s)
            known = self._views.get(device)
            if known == view:
                continue
            self._looks += 1
            self._views[device] = view
            self._changes = [change for change in self._changes if change[1] != device]
            self._changes.append((self._looks, device))
            self.version += 1
            if known is None or known[_QUEUE] != view[_QUEUE]:
                self._queues[device] = _queue_at(device, view)
            if device == CPU:
                self._free_ram_bytes = max(0, view.free_bytes) if view.readable else sys.maxsize
        self._stale.clear()

    def _judge(self, slot: ModelSlot, judged: _Judged, eviction: Eviction) -> None:
        """Bring up to date what has changed since it was judged last."""
        devices = (slot.device,) if slot.state is SlotState.SLEEPING and slot.device else slot.spec.devices
        places, best = judged.places, judged.best
        for look, device in reversed(self._changes):
            if look <= judged.at_look:
                break
            if device not in devices:
                continue
            view = self._views[device]
            place = self._on_device(slot, device, view, eviction)
            rank = _rank(place.chance, devices, device, view.free_bytes, cleared=slot.name == view.promised_to)
            before, places[device] = places.get(device), (rank, place)
            if best is None or (best is not before and rank < best[0]):
                best = places[device]
            elif best is before:
                best = min(places.values(), key=_first)
        judged.best, judged.at_look = best, self._looks

    def _with_ram(self, slot: ModelSlot, rank: Rank, place: Place, short: Place) -> tuple[Rank, Place]:
        """Return how a place stands where RAM is short."""
        device = place.device
        if device is None or not is_gpu(device) or place.chance > Chance.EVICT:
            return rank, place
        view = self._views[device]
        cleared = slot.name in (view.promised_to, self.accounts[CPU].promised_to)
        return _rank(short.chance, slot.spec.devices, device, view.free_bytes, cleared=cleared), short

    def _on_device(self, slot: ModelSlot, device: DeviceId, view: DeviceView, eviction: Eviction) -> Place:
        if not view.readable:
            return Place(Chance.SHORT, lambda: f"{device} cannot be read", device)
        if view.guest is not None:
            return Place(Chance.GUEST, lambda: f"{device} is a guest's: {view.guest}", device)
        need = start = start_bytes(slot)
        free, leaving = view.free_bytes, view.leaving_bytes
        if slot.device is not None:  # what it holds already
            need -= self.accounts[device].charges.get(slot.name, 0)
            leaving -= self.leaving_bytes(slot, device)
        if start > view.budget_bytes:
            text = "needs {}, all of {} is {}"
            return Place(
                Chance.NEVER, lambda: text.format(format_size(need), device, format_size(view.budget_bytes)), device
            )
        queue = self._queues.get(device)
        if queue is not None and slot.name not in (view.promised_to, view.coming):
            return queue
        if slot.out_of_memory and leaving:
            return Place(Chance.PENDING, lambda: f"memory of {device} is on its way back", device)
        if need <= free:
            return Place(Chance.FITS, lambda: f"{format_size(need)} of {format_size(free)} free on {device}", device)
        missing = need - free - leaving
        if missing <= 0:
            return Place(Chance.PENDING, lambda: f"memory of {device} is on its way back", device)
        if victims := self._victims(slot, view, missing, eviction):
            return Place(
                Chance.EVICT,
                lambda: f"{format_size(need)} on {device} in place of {_names(victims)}",
                device,
                victims,
                missing,
            )
        return Place(Chance.SHORT, lambda: self._shortage(slot, device, need, free), device)

    def _short_of_ram(self, slot: ModelSlot, eviction: Eviction) -> Place | None:
        """Return how a start on a GPU stands for want of RAM, or None where it needs none."""
        host = self._views[CPU]
        need, free = slot.spec.host_bytes, host.free_bytes
        if slot.state is SlotState.SLEEPING:
            return None  # it holds more of it already
        missing = need - free - host.leaving_bytes
        if missing <= 0:
            return Place(Chance.PENDING, lambda: "RAM is on its way back", CPU)
        if victims := self._victims(slot, host, missing, eviction):
            return Place(
                Chance.EVICT,
                lambda: f"{format_size(need)} of RAM in place of {_names(victims)}",
                CPU,
                victims,
                missing,
            )
        text = "needs {} of RAM, {} free"
        return Place(Chance.SHORT, lambda: text.format(format_size(need), format_size(max(0, free))), CPU)

    def _victims(
        self, wanting: ModelSlot, view: DeviceView, missing_bytes: int, eviction: Eviction
    ) -> tuple[ModelSlot, ...]:
        if eviction is Eviction.NONE:
            return ()
        may_go: list[Candidate] = []
        given = 0
        for one in view.candidates:
            if eviction is Eviction.LOWER and one.priority > wanting.spec.priority:
                break  # nor may those after it
            if one.name != wanting.name and (one.settled or eviction is Eviction.ANY):
                may_go.append(one)
                given += one.size_bytes
                if given >= missing_bytes:
                    break
        if given < missing_bytes:
            return ()
        chosen = smallest_set([one.size_bytes for one in may_go], missing_bytes)
        return tuple([self.slots[may_go[index].name] for index in chosen or ()])

    def _shortage(self, slot: ModelSlot, device: DeviceId, need: int, free: int) -> str:
        others = [other for other in self.on(device) if other is not slot]
        leased = sorted(other.name for other in others if other.leases)
        kept = sorted(other.name for other in others if not other.leases)
        parts = [f"needs {format_size(need)} on {device}", f"{format_size(max(0, free))} free"]
        if leased:
            parts.append(f"in use: {', '.join(leased)}")
        if kept:
            parts.append(f"not to be sent away: {', '.join(kept)}")
        if foreign_bytes := self.accounts[device].foreign_bytes:
            parts.append(f"others hold {format_size(foreign_bytes)}")
        return ", ".join(parts)


def _rank(chance: Chance, devices: tuple[DeviceId, ...], device: DeviceId, free_bytes: int, *, cleared: bool) -> Rank:
    # A GPU that merely has to wait goes before the CPU, the CPU before a GPU that will not do; else the first counts.
    unfit = chance > Chance.PENDING
    order = float(chance)
    if cleared and Chance.FITS < chance <= Chance.PENDING:
        order = Chance.EVICT - 0.5  # nobody is sent away in a second place
    room = free_bytes if chance is Chance.FITS else 0
    return 2 if unfit else int(not is_gpu(device)), order, -room, devices.index(device)


def start_bytes(slot: ModelSlot) -> int:
    """Return what coming up charges on a device: a start its peak (rule 15), a waking what it holds at rest."""
    if slot.state is SlotState.SLEEPING:
        return slot.spec.rest_bytes
    return max(slot.spec.peak_bytes, slot.spec.rest_bytes)


def _queue_at(device: DeviceId, view: DeviceView) -> Place | None:
    """Return why a start on a GPU has to wait for another one, whoever it is."""
    if not is_gpu(device):
        return None
    if view.promised_to is not None:
        return Place(Chance.PENDING, lambda: f"{device} is being cleared for {view.promised_to}", device)
    if view.coming is not None:
        text = f"{view.coming} is coming up on {device}"
        return Place(Chance.PENDING, lambda: text, device, from_s=view.coming_at_s)
    return None


def _names(slots: tuple[ModelSlot, ...]) -> str:
    return ", ".join(slot.name for slot in slots)
