"""The scheduler: events in, actions out. No asyncio, no clock, no I/O; one task owns it.

The rules, and where they live:

     1  slow work happens outside; its end is an event                        events.py, actions.py
     2  every request is answered exactly once; a cancelled one never         waiting_room.py
     3  the same worker wanted twice while it starts: join                    outlook.py (STARTING has an ETA)
     4  a start is allowed only where charges + foreign use + headroom fit    placement.py, account.py
     5  victims: idle, not pinned; lowest priority, longest idle, largest     victims.py
     6  bytes stay charged until the probe saw them return                    `MemoryReturned`
     7  measured replaces estimated; what breaks the budget is shed           `Started`, `DeviceSeen`, residency.py
     8  out of memory at a start: clear what is idle, once more, then a rest  failures.py
     9  a short bounded queue with deadlines                                  waiting_room.py
    10  foreign processes as seen; guest mode                                 account.py, guest_mode.py
    11  minimum residency; starts serialised per GPU; turns before background placement.py, residency.py
    12  sleep before stop                                                     moves.py
    13  a lease ends when its worker stopped computing                        the data plane sends `Released` then
    14  after a restart: adopt what runs, let users declare their leases      `Adopted`, `Declared`, settled_from_s
    15  a start charges its peak                                              placement.start_bytes
    16  GPU time: urgent work first                                           waiting_room.py (`_makes_way`)

After every event the house is settled in this order: give way (over budget, guests, drained), answer requests, grant
wishes and put the idle away. What was found out of a device or a request is kept until something it depends on has
changed (device_view.py, `House.version`): most events change little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from avatar_appliance.config.size import format_size
from avatar_appliance.processes.restart_policy import RestartHistory, RestartPolicy

from . import events as ev
from .account import DeviceAccount
from .actions import Action
from .decision import Decision
from .device import CPU, DeviceId
from .eviction import Eviction
from .failures import Failures
from .guest_mode import GuestMode
from .lease_request import LeaseRequest
from .moves import Moves
from .placement import House, Place
from .policy import SchedulerPolicy
from .residency import Residency
from .slot import BUSY_STATES, Holding, ModelSlot
from .slot_state import SlotState
from .waiting_room import WaitingRoom
from .wishes import Wishes
from .worker_spec import WorkerSpec

_OF_A_WORKER = (
    ev.Started,
    ev.StartFailed,
    ev.Exited,
    ev.Stopped,
    ev.MemoryReturned,
    ev.FellAsleep,
    ev.SleepFailed,
    ev.Woke,
    ev.WakeFailed,
    ev.Adopted,
    ev.StartWanted,
    ev.StopWanted,
    ev.SleepWanted,
    ev.PinChanged,
)


class Scheduler:
    """Decides which models are resident and who may use them; see the module's docstring."""

    def __init__(self, specs: Iterable[WorkerSpec], policy: SchedulerPolicy | None = None) -> None:
        policy = policy or SchedulerPolicy()
        self.policy = policy
        restart = RestartPolicy(
            first_delay_s=policy.first_delay_s,
            longest_delay_s=policy.longest_delay_s,
            steady_after_s=policy.steady_after_s,
            crash_limit=policy.crash_limit,
            crash_window_s=policy.crash_window_s,
            cool_down_s=policy.cool_down_s,
        )
        # A worker of unknown size is charged a byte: those who are charged are those whose memory is looked at.
        self.slots = {
            spec.name: ModelSlot(
                replace(spec, rest_bytes=max(1, spec.rest_bytes)),
                RestartHistory(restart),
                pinned=spec.pinned,
                state=SlotState.READY if spec.external else SlotState.STOPPED,
            )
            for spec in specs
        }
        self.accounts: dict[DeviceId, DeviceAccount] = {}
        self.guest_mode = GuestMode(policy)
        for device in dict.fromkeys(d for slot in self.slots.values() for d in slot.spec.devices):
            self._account(device)
        self._account(CPU)
        house = House(self.slots, self.accounts, self.guest_mode, policy)
        self._moves = Moves(house)
        self._wishes = Wishes()
        self._room = WaitingRoom(house, self._moves, self._wishes)
        self._failures = Failures(house, self._moves, self._wishes, self._room)
        self._residency = Residency(house, self._moves, self._wishes, self._room)
        self._house = house

    def handle(self, event: ev.Event, now_s: float) -> list[Action]:
        """Take an event at the time `now_s` (monotonic, never less than before); return what shall be done.

        Events that come too late, twice, or about workers nobody knows change nothing. Raises ValueError for a
        Requested whose lease id is in use.
        """
        self._take(event, now_s)
        match event:
            case ev.Requested() | ev.UrgencyChanged() | ev.Cancelled() | ev.Released():
                pass  # whose lease it is says so itself
            case ev.DeviceSeen(device=device):
                self._house.doubt(device)
            case ev.DevicesSeen(devices) if not any(isinstance(each, ev.DeviceLost) for each in devices):
                self._house.doubt()
            case ev.Tick():
                self._house.doubt()
            case _:
                self._house.changed(None)
                self._house.doubt()
        self._house.begin_pass(now_s)
        try:
            self._residency.make_way(now_s)
            self._room.serve(now_s)
            self._residency.come_and_go(now_s, time_passed=isinstance(event, ev.Tick | ev.UrgencyChanged))
        finally:
            self._house.end_pass()
        return self._moves.take_actions()

    def take_decisions(self) -> list[Decision]:
        """Return what was decided since the last call, oldest first."""
        return self._moves.take_decisions()

    def waiting(self) -> Sequence[tuple[LeaseRequest, float]]:
        """Return the requests without an answer, and when each was asked."""
        return list(self._room.waiting)

    def place(self, slot: ModelSlot, now_s: float, eviction: Eviction) -> Place:
        """Return how a start of a worker stands, for people."""
        return self._house.place(slot, now_s, eviction)

    def next_look_s(self, now_s: float) -> float | None:
        """Return when to send a Tick at the latest for the sake of a waiting request; None where nobody waits."""
        return self._room.next_look_s(now_s)

    def _take(self, event: ev.Event, now_s: float) -> None:
        if isinstance(event, _OF_A_WORKER) and event.worker not in self.slots:
            return
        match event:
            case ev.Tick():
                self._tick(now_s)
            case ev.Requested(request):
                self._room.ask(request, now_s)
            case ev.Cancelled(lease_id) | ev.Released(lease_id):
                self._room.leave(lease_id, now_s)
            case ev.Declared():
                self._declared(event)
            case ev.UrgencyChanged(lease_id, urgency):
                self._room.tell(lease_id, urgency)
            case ev.DeviceSeen():
                self._device_seen(event, now_s)
            case ev.DevicesSeen(devices):
                for each in devices:
                    self._take(each, now_s)
            case ev.DeviceLost(device):
                account = self._account(device)
                if not account.lost:
                    account.lost = True
                    self._moves.decide("device", now_s, f"{device} cannot be read any more", device=device)
            case ev.Started():
                self._started(event, now_s)
            case ev.StartFailed(worker, failure):
                self._failures.start_failed(self.slots[worker], failure, now_s)
            case ev.Exited(worker):
                self._failures.exited(self.slots[worker], now_s)
            case ev.Stopped(worker):
                self._stopped(self.slots[worker], now_s)
            case ev.MemoryReturned(worker, residue_bytes):
                slot = self.slots[worker]
                if slot.state is SlotState.STOPPING and slot.process_gone:
                    self._moves.discharge(slot, residue_bytes, now_s)
                    self._moves.decide("stopped", now_s, f"{worker} is gone, its memory is back", slot)
            case ev.FellAsleep(worker, bytes_left):
                self._fell_asleep(self.slots[worker], bytes_left, now_s)
            case ev.SleepFailed(worker):
                slot = self.slots[worker]
                if slot.state is SlotState.FALLING_ASLEEP:
                    # It would be asked again and again: end it, which is what sleeping was to save.
                    self._moves.charge_host(slot, slot.spec.host_bytes)
                    self._moves.stop(slot, now_s, "it would not sleep")
            case ev.Woke(worker):
                slot = self.slots[worker]
                if slot.state is SlotState.WAKING:
                    slot.wakes_failed = 0
                    self._moves.charge_host(slot, slot.spec.host_bytes)
                    self._ready(slot, now_s, "it woke")
            case ev.WakeFailed(worker, failure):
                self._failures.wake_failed(self.slots[worker], failure, now_s)
            case ev.Adopted():
                self._adopted(event, now_s)
            case ev.StartWanted(worker, eviction):
                self._start_wanted(self.slots[worker], eviction, now_s)
            case ev.StopWanted(worker, force):
                self._stop_wanted(self.slots[worker], force, now_s)
            case ev.SleepWanted(worker):
                slot = self.slots[worker]
                if slot.idle and self._moves.can_sleep(slot):
                    slot.rests = True
                    self._wishes.drop(worker)
                    self._moves.put_to_sleep(slot, now_s, "its owner wants it")
            case ev.PinChanged(worker, pinned):
                self.slots[worker].pinned = pinned
            case ev.GuestModeChanged(mode, until_s):
                self.guest_mode.set(mode, until_s)
                self._moves.decide("guest-mode", now_s, f"guest mode is {mode}")
                for account in self.accounts.values():
                    self._see_guest(account, now_s)
            case _:
                assert_never(event)

    def _account(self, device: DeviceId) -> DeviceAccount:
        if device not in self.accounts:
            policy = self.policy
            self.accounts[device] = DeviceAccount(
                device,
                ceiling=policy.cpu_ceiling if device == CPU else policy.gpu_ceiling,
                headroom_bytes=0 if device == CPU else policy.headroom_bytes,
            )
        return self.accounts[device]

    def _tick(self, now_s: float) -> None:
        if self.guest_mode.expire(now_s):
            self._moves.decide("guest-mode", now_s, "guest mode is auto again")
        for account in self.accounts.values():
            self._see_guest(account, now_s)
        for slot in self.slots.values():
            if slot.state is SlotState.FAILED and not slot.hopeless and now_s >= slot.retry_at_s:
                self._moves.become(slot, SlotState.STOPPED, now_s)

    def _device_seen(self, seen: ev.DeviceSeen, now_s: float) -> None:
        account = self._account(seen.device)
        if account.usable_bytes == 0 or account.lost:
            text = f"{seen.device} has {format_size(seen.usable_bytes)}"
            self._moves.decide("device", now_s, text, device=seen.device)
        own = {
            name: size
            for name, size in seen.own_bytes.items()
            if name in account.charges or (name in self.slots and self.slots[name].device == seen.device)
        }
        account.foreign_names = seen.foreign_names
        account.see(seen.usable_bytes, seen.used_bytes, own)
        for name, size in own.items():
            slot = self.slots[name]
            if not size:
                continue
            if size > account.charges.get(name, 0):
                self._surprise(slot, account, size, now_s)
            elif slot.device == seen.device and slot.state is SlotState.SLEEPING:
                account.charge(name, size)  # an earlier look may have seen it before all of it was given back
            elif slot.device == seen.device and slot.state is SlotState.READY and not slot.measured:
                slot.spec, slot.measured = replace(slot.spec, rest_bytes=size), True  # found asleep, and woken since
                account.charge(name, size)
        self._see_guest(account, now_s)

    def _surprise(self, slot: ModelSlot, account: DeviceAccount, size_bytes: int, now_s: float) -> None:
        """Rule 7: it holds more than is charged. Small growth is charged without a word."""
        expected, spec = account.charges.get(slot.name, 0), slot.spec
        account.charge(slot.name, size_bytes)
        match slot.state:
            case SlotState.READY | SlotState.STARTING if account.device != slot.device:
                slot.spec = replace(spec, host_bytes=size_bytes)
            case SlotState.READY:
                slot.spec = replace(spec, rest_bytes=size_bytes, peak_bytes=max(spec.peak_bytes, size_bytes))
                if slot.started_bytes:
                    growth = min(size_bytes - slot.started_bytes, self.policy.most_growth_bytes)
                    slot.growth_bytes = max(slot.growth_bytes, growth)
            case SlotState.STARTING if account.device == slot.device:
                slot.spec = replace(spec, peak_bytes=size_bytes)
        if size_bytes - expected >= self.policy.surprise_bytes:
            what = f"{slot.name} holds {format_size(size_bytes)} of {account.device}"
            text = f"{what} instead of {format_size(expected)}"
            self._moves.decide("surprise", now_s, text, slot, device=account.device)

    def _see_guest(self, account: DeviceAccount, now_s: float) -> None:
        if self.guest_mode.see(account, now_s):
            why = self.guest_mode.why(account.device)
            text = f"{account.device} is a guest's: {why}" if why else f"the guest has left {account.device}"
            self._moves.decide("guest-mode", now_s, text, device=account.device)

    def _declared(self, event: ev.Declared) -> None:
        if self._room.knows(event.lease_id):
            return
        slot = self.slots.get(event.worker)
        if slot is not None and slot.state is SlotState.READY:
            self._room.hold(event.lease_id, slot, Holding(event.urgency, event.client))
        else:
            self._moves.revoke(event.lease_id, event.worker)

    def _started(self, event: ev.Started, now_s: float) -> None:
        slot = self.slots[event.worker]
        if slot.state is not SlotState.STARTING or slot.device is None:
            return
        spec = slot.spec
        slot.started_bytes = event.rest_bytes or 0
        rest = slot.started_bytes + slot.growth_bytes if slot.started_bytes else spec.rest_bytes
        peak = max(rest, spec.peak_bytes if event.peak_bytes is None else event.peak_bytes)
        start_s = spec.start_s if event.start_s is None else event.start_s
        slot.spec = replace(spec, rest_bytes=rest, peak_bytes=peak, start_s=start_s)
        charged = self.accounts[slot.device].charges.get(slot.name, 0)
        self.accounts[slot.device].charge(slot.name, rest)
        if rest - charged >= self.policy.surprise_bytes:
            text = f"{slot.name} holds {format_size(rest)}, {format_size(charged)} were charged for its start"
            self._moves.decide("surprise", now_s, text, slot)
        slot.start_failures = 0
        slot.out_of_memory, slot.measured = 0, bool(event.rest_bytes)
        self._ready(slot, now_s, f"it started in {start_s:.1f} s")

    def _ready(self, slot: ModelSlot, now_s: float, how: str) -> None:
        assert slot.device is not None
        if slot.state is SlotState.WAKING:
            self.accounts[slot.device].charge(slot.name, slot.spec.rest_bytes)
        slot.idle_since_s = now_s
        self._moves.become(slot, SlotState.READY, now_s)
        held = format_size(self.accounts[slot.device].charges.get(slot.name, 0))
        self._moves.decide("ready", now_s, f"{slot.name} is ready with {held}: {how}", slot)

    def _stopped(self, slot: ModelSlot, now_s: float) -> None:
        if slot.state is SlotState.STOPPING and not slot.process_gone:
            self._room.forget(slot)
            self._moves.ended(slot, now_s, slot.after_stop)

    def _fell_asleep(self, slot: ModelSlot, bytes_left: int | None, now_s: float) -> None:
        if slot.state is not SlotState.FALLING_ASLEEP or slot.device is None:
            return
        left = slot.spec.sleep_bytes if bytes_left is None else bytes_left
        slot.spec = replace(slot.spec, sleep_bytes=left)
        self.accounts[slot.device].charge(slot.name, left)
        self._moves.become(slot, SlotState.SLEEPING, now_s)
        self._moves.decide("asleep", now_s, f"{slot.name} sleeps and keeps {format_size(left)}", slot)

    def _adopted(self, event: ev.Adopted, now_s: float) -> None:
        slot = self.slots[event.worker]
        if slot.state is not SlotState.STOPPED or slot.spec.external:
            return
        slot.device = event.device
        if event.rest_bytes is not None and not event.asleep:
            peak = max(slot.spec.peak_bytes, event.rest_bytes)
            slot.spec = replace(slot.spec, rest_bytes=event.rest_bytes, peak_bytes=peak)
            slot.measured = True
        account = self._account(event.device)
        account.charge(slot.name, slot.spec.sleep_bytes if event.asleep else slot.spec.rest_bytes)
        asleep_bytes = slot.spec.rest_bytes if event.asleep else 0
        self._moves.charge_host(slot, slot.spec.host_bytes + asleep_bytes)
        slot.idle_since_s = now_s
        self._house.settled_from_s = now_s + self.policy.redeclare_grace_s
        self._moves.become(slot, SlotState.SLEEPING if event.asleep else SlotState.READY, now_s)
        self._moves.decide("ready", now_s, f"{slot.name} was found running on {event.device}", slot)

    def _start_wanted(self, slot: ModelSlot, eviction: Eviction, now_s: float) -> None:
        slot.held_down = slot.hopeless = slot.draining = slot.rests = False
        slot.retry_at_s = now_s
        slot.spec = replace(slot.spec, devices=slot.all_devices)
        slot.start_failures = slot.out_of_memory = slot.wakes_failed = slot.cool_downs = slot.sheds = 0
        slot.after_stop = SlotState.STOPPED
        if slot.state is SlotState.FAILED:
            self._moves.become(slot, SlotState.STOPPED, now_s)
        if not slot.spec.external and slot.state is not SlotState.READY:
            self._wishes.add(slot.name, eviction, now_s, self.policy.wish_ttl_s, "its owner wants it")

    def _stop_wanted(self, slot: ModelSlot, force: bool, now_s: float) -> None:
        if slot.spec.external:
            return
        slot.held_down = True
        self._wishes.drop(slot.name)
        if slot.state in (SlotState.STOPPED, SlotState.STOPPING, SlotState.FAILED):
            return
        settled = now_s >= self._house.settled_from_s
        if force or (slot.idle and settled) or slot.state in BUSY_STATES:
            self._moves.stop(slot, now_s, "its owner wants it down")
        else:
            slot.draining = True
