"""Where a worker can start now, and who would have to go for it: reads the state, changes nothing.

Per device, in the order of `WorkerSpec.devices`; GPUs before `cpu` whatever happens there, because a worker that can do
both is there for its speed:

    nobody has seen the device, or it was lost     SHORT
    guest mode                                     GUEST
    more than its whole budget                     NEVER
    another worker starts there, or is promised it PENDING   (starts on a GPU are serialised)
    fits                                           FITS      (of several GPUs the one with most room left)
    fits once what is leaving has left             PENDING
    fits without the victims                       EVICT     (see victims.py)
    else                                           SHORT

The best outcome of all devices counts: FITS, EVICT, PENDING, SHORT, GUEST, NEVER.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from avatar_appliance.config.size import format_size

from .account import DeviceAccount
from .device import CPU, DeviceId, is_gpu
from .guest_mode import GuestMode
from .policy import SchedulerPolicy
from .slot import ModelSlot
from .slot_state import SlotState
from .victims import choose_victims

_COMING_UP = (SlotState.STARTING, SlotState.WAKING)


class Chance(IntEnum):
    """How a start stands; lower is better."""

    FITS = 0
    EVICT = 1
    PENDING = 2
    SHORT = 3
    GUEST = 4
    NEVER = 5


class Eviction(IntEnum):
    """Who may be sent away for a start."""

    NONE = 0
    LOWER = 1
    """Idle workers of no higher priority that have been up for a while."""
    ANY = 2
    """Whoever is idle: a person wants it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The outcome for one worker."""

    chance: Chance
    text: str
    """For people: "needs 7.1 GiB on cuda:0, 3.2 GiB free, 2 workers there are in use"."""
    device: DeviceId | None = None
    victims: tuple[ModelSlot, ...] = ()
    need_bytes: int = 0
    """What the victims must give back."""


@dataclass(frozen=True, slots=True)
class House:
    """What placement looks at: all slots, all accounts, and who is a guest."""

    slots: Mapping[str, ModelSlot]
    accounts: Mapping[DeviceId, DeviceAccount]
    guest_mode: GuestMode
    policy: SchedulerPolicy

    def on(self, device: DeviceId) -> Iterator[ModelSlot]:
        """Yield the slots that hold memory on a device."""
        for name in self.accounts[device].charges:
            slot = self.slots[name]
            if slot.device == device:
                yield slot

    def place(self, slot: ModelSlot, now_s: float, eviction: Eviction) -> Place:
        """Return how a start of `slot` (or its waking) stands."""
        best: Place | None = None
        best_rank: tuple[int, int, int] | None = None
        devices = (slot.device,) if slot.state is SlotState.SLEEPING and slot.device else slot.spec.devices
        for device in devices:
            place = self._on_device(slot, device, now_s, eviction)
            room = self.accounts[device].free_bytes if device in self.accounts else 0
            # A GPU that merely has to wait goes before the CPU; the CPU before a GPU that will not do.
            unfit = place.chance > Chance.PENDING
            rank = (2 if unfit else int(not is_gpu(device)), int(place.chance), -room)
            if best is None or best_rank is None or rank < best_rank:
                best, best_rank = place, rank
        return best or Place(Chance.NEVER, "there is no device it could run on")

    def _on_device(self, slot: ModelSlot, device: DeviceId, now_s: float, eviction: Eviction) -> Place:
        account = self.accounts.get(device)
        if account is None or account.lost or account.usable_bytes <= 0:
            return Place(Chance.SHORT, f"{device} cannot be read", device)
        if (why := self.guest_mode.why(device)) is not None:
            return Place(Chance.GUEST, f"{device} is a guest's: {why}", device)
        need = start_bytes(slot, device) - account.charges.get(slot.name, 0)
        free = account.free_bytes
        if start_bytes(slot, device) > account.budget_bytes:
            return Place(
                Chance.NEVER,
                f"needs {format_size(need)}, all of {device} is {format_size(account.budget_bytes)}",
                device,
            )
        if (waiting := self._queue_at(account, slot)) is not None:
            return Place(Chance.PENDING, waiting, device)
        host = self.accounts.get(CPU)
        if is_gpu(device) and host is not None and host.usable_bytes and slot.spec.host_bytes > host.free_bytes:
            short = f"needs {format_size(slot.spec.host_bytes)} of RAM, {format_size(max(0, host.free_bytes))} free"
            return Place(Chance.SHORT, short, device)
        if need <= free:
            return Place(Chance.FITS, f"{format_size(need)} of {format_size(free)} free on {device}", device)
        missing = need - free - self._leaving_bytes(device)
        if missing <= 0:
            return Place(Chance.PENDING, f"memory of {device} is on its way back", device)
        victims = choose_victims(self._evictable(slot, device, now_s, eviction), account, missing)
        if victims:
            names = ", ".join(victim.name for victim in victims)
            return Place(Chance.EVICT, f"{format_size(need)} on {device} in place of {names}", device, victims, missing)
        return Place(Chance.SHORT, self._shortage(slot, account, need), device)

    def _queue_at(self, account: DeviceAccount, slot: ModelSlot) -> str | None:
        """Return why a start on a GPU has to wait for another one."""
        if not is_gpu(account.device):
            return None
        if account.promised_to not in (None, slot.name):
            return f"{account.device} is being cleared for {account.promised_to}"
        for other in self.on(account.device):
            if other is not slot and other.state in _COMING_UP:
                return f"{other.name} is coming up on {account.device}"
        return None

    def _leaving_bytes(self, device: DeviceId) -> int:
        charges = self.accounts[device].charges
        leaving = 0
        for slot in self.on(device):
            if slot.state is SlotState.STOPPING:
                leaving += charges[slot.name]
            elif slot.state is SlotState.FALLING_ASLEEP:
                leaving += max(0, charges[slot.name] - slot.spec.sleep_bytes)
        return leaving

    def _evictable(self, wanting: ModelSlot, device: DeviceId, now_s: float, eviction: Eviction) -> Iterator[ModelSlot]:
        if eviction is Eviction.NONE:
            return
        for slot in self.on(device):
            if slot is wanting or not slot.idle or slot.pinned:
                continue
            settled = slot.state is SlotState.SLEEPING or now_s - slot.since_s >= self.policy.min_residency_s
            if eviction is Eviction.ANY or (settled and slot.spec.priority <= wanting.spec.priority):
                yield slot

    def _shortage(self, slot: ModelSlot, account: DeviceAccount, need: int) -> str:
        others = [other for other in self.on(account.device) if other is not slot]
        leased = sorted(other.name for other in others if other.leases)
        kept = sorted(other.name for other in others if not other.leases)
        parts = [f"needs {format_size(need)} on {account.device}", f"{format_size(max(0, account.free_bytes))} free"]
        if leased:
            parts.append(f"in use: {', '.join(leased)}")
        if kept:
            parts.append(f"not to be sent away: {', '.join(kept)}")
        if account.foreign_bytes:
            parts.append(f"others hold {format_size(account.foreign_bytes)}")
        return ", ".join(parts)


def start_bytes(slot: ModelSlot, device: DeviceId) -> int:
    """Return what coming up charges on a device: a start its peak (rule 15), a waking what it holds at rest."""
    if slot.state is SlotState.SLEEPING:
        return slot.spec.rest_bytes
    return max(slot.spec.peak_bytes, slot.spec.rest_bytes)
