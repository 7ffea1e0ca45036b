"""What comes after a worker failed: another try, another device, a pause, a rest."""

from __future__ import annotations

from dataclasses import replace

from .device import DeviceId, is_gpu
from .events import StartFailure
from .eviction import Eviction
from .moves import Moves
from .placement import House
from .slot import ModelSlot
from .slot_state import SlotState
from .waiting_room import WaitingRoom
from .wishes import Wishes

# Tries of a start that runs out of memory: once more after everything idle is gone; after a rest only one, for which
# nobody has to go.
MEMORY_TRIES = 2
# Tries of a start on a GPU before another device is tried, where the worker has one.
DEVICE_TRIES = 2


class Failures:
    """Rule 8, back-offs and crash loops."""

    def __init__(self, house: House, moves: Moves, wishes: Wishes, room: WaitingRoom) -> None:
        self._house = house
        self._moves = moves
        self._wishes = wishes
        self._room = room
        self._policy = house.policy

    def start_failed(self, slot: ModelSlot, failure: StartFailure, now_s: float) -> None:
        """A start ended badly: once more, elsewhere, later, or not before somebody asks."""
        if slot.state is not SlotState.STARTING:
            return
        slot.last_error = failure
        slot.crashes += 1
        device = slot.device
        if failure == "out-of-memory":
            slot.out_of_memory += 1
            if slot.out_of_memory < MEMORY_TRIES and device is not None:
                self._moves.ended(slot, now_s, SlotState.STOPPED)
                self._moves.decide("failed", now_s, f"{slot.name} ran out of memory at its start: once more", slot)
                self._clear_idle(device, slot, now_s)
                self._wishes.add(slot.name, Eviction.LOWER, now_s, self._policy.wish_ttl_s, "its second try")
                return
            rest_s = self._rest(slot, slot.out_of_memory - MEMORY_TRIES, now_s)
            self._fail(slot, now_s, f"{slot.name} ran out of memory again and rests for {rest_s:g} s")
        elif self._tries_elsewhere(slot, failure, now_s):
            return
        elif failure == "config":
            slot.hopeless = True
            self._fail(slot, now_s, f"{slot.name} cannot run as it is configured")
        else:
            self._count_failure(slot, now_s, ready_s=0.0, what=f"the start of {slot.name} failed ({failure})")

    def _tries_elsewhere(self, slot: ModelSlot, failure: StartFailure, now_s: float) -> bool:
        """Give a GPU up on which a worker does not start, where it has another device: its engine may lack a library.

        At once for a broken configuration, else after the second try. A person who starts it has the GPU tried again.
        """
        device, devices = slot.device, slot.spec.devices
        slot.start_failures += 1
        last_try = failure == "config" or slot.start_failures >= DEVICE_TRIES
        # "unavailable" is the process manager's trouble, not the device's.
        if device is None or not is_gpu(device) or len(devices) < 2 or not last_try or failure == "unavailable":
            return False
        slot.start_failures = 0
        slot.spec = replace(slot.spec, devices=tuple(other for other in devices if other != device))
        self._moves.ended(slot, now_s, SlotState.STOPPED)
        text = f"{slot.name} does not start on {device} ({failure}): from now on {', '.join(slot.spec.devices)}"
        self._moves.decide("failed", now_s, text, slot)
        return True

    def _clear_idle(self, device: DeviceId, slot: ModelSlot, now_s: float) -> None:
        """Rule 8: everything idle of no higher priority goes, whatever the ledger believes."""
        if now_s < self._house.settled_from_s:
            return
        for other in self._house.on(device):
            if other is not slot and other.idle and not other.pinned and other.spec.priority <= slot.spec.priority:
                self._moves.stop(other, now_s, f"{slot.name} ran out of memory")

    def _fail(self, slot: ModelSlot, now_s: float, text: str) -> None:
        self._wishes.drop(slot.name)
        self._moves.ended(slot, now_s, SlotState.FAILED)
        self._room.forget(slot)
        self._moves.decide("failed", now_s, text, slot)

    def _count_failure(self, slot: ModelSlot, now_s: float, *, ready_s: float, what: str) -> None:
        """Back off, or rest after a crash loop."""
        if ready_s >= self._policy.steady_after_s:
            slot.cool_downs = 0
        retry = slot.history.after_failure(now_s, ready_s)
        if retry.crash_loop:
            slot.last_error = slot.last_error or "it keeps failing"
            rest_s = self._rest(slot, slot.cool_downs, now_s)
            slot.cool_downs += 1
            self._fail(slot, now_s, f"{what}; it keeps failing and rests for {rest_s:g} s")
            return
        slot.retry_at_s = now_s + retry.delay_s
        self._moves.ended(slot, now_s, SlotState.STOPPED)
        self._room.forget(slot)
        self._moves.decide("crashed", now_s, f"{what}; next try in {retry.delay_s:g} s", slot)

    def _rest(self, slot: ModelSlot, rests_before: int, now_s: float) -> float:
        """Have it rest, each time in a row twice as long as before; return how long."""
        policy = self._policy
        longest_s = max(policy.cool_down_s, policy.longest_cool_down_s)
        rest_s: float = min(policy.cool_down_s * 2 ** min(rests_before, 16), longest_s)
        slot.retry_at_s = now_s + rest_s
        return rest_s

    def exited(self, slot: ModelSlot, now_s: float) -> None:
        """A worker that was up ended by itself."""
        up = (SlotState.READY, SlotState.SLEEPING, SlotState.FALLING_ASLEEP, SlotState.WAKING)
        if slot.state not in up or slot.device is None:
            return
        ready_s = now_s - slot.since_s if slot.state is SlotState.READY else 0.0
        slot.last_error = "it ended by itself"
        slot.crashes += 1
        if slot.leases and not slot.spec.preload:
            # Somebody was using it: that somebody will ask again.
            self._wishes.add(slot.name, Eviction.LOWER, now_s, self._policy.wish_ttl_s, "it crashed")
        self._count_failure(slot, now_s, ready_s=ready_s, what=f"{slot.name} ended by itself")

    def wake_failed(self, slot: ModelSlot, failure: StartFailure, now_s: float) -> None:
        """It would not wake: tried again where there was no room, else ended."""
        if slot.state is not SlotState.WAKING or slot.device is None:
            return
        slot.last_error = failure
        if failure == "out-of-memory":
            # Harmless for vLLM: it still sleeps, and may be woken once there is room (measured: HTTP 500).
            self._house.accounts[slot.device].charge(slot.name, slot.spec.sleep_bytes)
            delay_s = self._policy.first_delay_s * 2 ** min(slot.wakes_failed, 16)
            slot.wakes_failed += 1
            slot.retry_at_s = now_s + min(delay_s, self._policy.longest_delay_s)
            self._moves.become(slot, SlotState.SLEEPING, now_s)
            self._moves.decide("failed", now_s, f"{slot.name} had no room to wake", slot)
        else:
            self._moves.stop(slot, now_s, f"it would not wake ({failure})")
