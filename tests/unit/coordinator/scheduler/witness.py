"""Watches a scheduler over the shoulder: what must hold after every single event, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Action, Deny, Grant, Revoke, Sleep, Start, Stop, Wake, WatchMemory
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.device import CPU, is_gpu
from avatar_appliance.coordinator.lease_request import LeaseId, LeaseRequest
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.slot import BUSY_STATES, ModelSlot
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.leases import Urgency

COMING_UP = (SlotState.STARTING, SlotState.WAKING)
TICK_S = 2.0
"""The shell of the tests looks at the time as often."""
GONE = (SlotState.STOPPED, SlotState.FAILED)
# The event that ends a move, by the state the move is in.
ENDS: dict[SlotState, tuple[type, ...]] = {
    SlotState.STARTING: (ev.Started, ev.StartFailed),
    SlotState.WAKING: (ev.Woke, ev.WakeFailed, ev.Exited),
    SlotState.FALLING_ASLEEP: (ev.FellAsleep, ev.SleepFailed, ev.Exited),
    SlotState.STOPPING: (ev.Stopped, ev.MemoryReturned),
}


@dataclass(slots=True)
class _Before:
    state: SlotState
    leases: frozenset[LeaseId]
    gone: bool


@dataclass(slots=True)
class Witness:
    """Call `before` and `after` around each `handle`; raises AssertionError when an invariant is broken."""

    scheduler: Scheduler
    waiting: dict[LeaseId, LeaseRequest] = field(default_factory=dict)
    asked_s: dict[LeaseId, float] = field(default_factory=dict)
    held: dict[LeaseId, str] = field(default_factory=dict)
    answers: int = 0
    denials: dict[str, int] = field(default_factory=dict)
    _slots: dict[str, _Before] = field(default_factory=dict)
    _wishes: dict[str, float] = field(default_factory=dict)

    def before(self, event: ev.Event) -> None:
        """Remember how things stand."""
        self._slots = {
            name: _Before(slot.state, frozenset(slot.leases), slot.process_gone)
            for name, slot in self.scheduler.slots.items()
        }
        self._wishes = {wish.worker: wish.expires_s for wish in self.scheduler._wishes.all()}
        match event:
            case ev.Requested(request):
                self.waiting[request.lease_id] = request
            case ev.Cancelled(lease_id) | ev.Released(lease_id):
                self.waiting.pop(lease_id, None)
                self.held.pop(lease_id, None)
            case ev.Declared(lease_id, worker):
                if lease_id not in self.waiting and lease_id not in self.held:
                    self.held[lease_id] = worker

    def after(self, event: ev.Event, actions: Sequence[Action], decisions: Sequence[Decision], now_s: float) -> None:
        """Check everything."""
        if isinstance(event, ev.Requested):
            self.asked_s[event.request.lease_id] = now_s
        moved: set[str] = set()
        for action in actions:
            match action:
                case Grant() | Deny() | Revoke():
                    self._answer(event, action)
                case _:
                    assert action.worker not in moved, f"two moves at once: {actions}"
                    moved.add(action.worker)
                    self._move(event, action, now_s)
        self._books()
        self._answered_in_time(now_s)
        self._shed(now_s)
        self._wishes_told(event, decisions, now_s)

    # Answers

    def _answer(self, event: ev.Event, action: Grant | Deny | Revoke) -> None:
        lease_id = action.lease_id
        match action:
            case Grant(_, worker, degraded):
                request = self.waiting.pop(lease_id)  # KeyError: answered twice, or nobody waits
                slot = self.scheduler.slots[worker]
                assert worker in request.ladder
                assert (degraded is None) == (worker == request.ladder[0])
                assert slot.state is SlotState.READY
                assert not slot.held_down
                assert slot.device is None or self.scheduler.guest_mode.why(slot.device) is None
                others = [held.urgency for name, held in slot.leases.items() if name != lease_id]
                assert sum(urgency is not Urgency.IDLE for urgency in others) < slot.spec.max_leases
                self.held[lease_id] = worker
                self.answers += 1
            case Deny(_, code, text, retry_after_s):
                self.waiting.pop(lease_id)
                assert text
                assert retry_after_s is None or retry_after_s >= 0
                self.answers += 1
                self.denials[code] = self.denials.get(code, 0) + 1
            case Revoke(_, worker):
                assert self.held.pop(lease_id) == worker
                forced = isinstance(event, ev.StopWanted) and event.force
                assert forced or isinstance(event, ev.Exited | ev.Declared), f"revoked by {event}"

    def _answered_in_time(self, now_s: float) -> None:
        room = self.scheduler._room
        assert {request.lease_id for request, _ in room.waiting} == set(self.waiting)
        assert len(self.waiting) <= self.scheduler.policy.most_waiting
        for lease_id, request in self.waiting.items():
            assert request.deadline_s > now_s, f"{lease_id} should have been answered"
            policy, waited_s = self.scheduler.policy, now_s - self.asked_s[lease_id]
            yields_s = {Urgency.LATER: policy.later_yield_s, Urgency.BACKGROUND: policy.background_yield_s}
            bound_s = max(yields_s.get(request.urgency, 0.0), policy.better_rung_patience_s)
            if now_s >= self.asked_s[lease_id] + bound_s:
                usable = [name for name in request.ladder if self._usable(name)]
                assert not usable, f"{lease_id} waits for {waited_s} s although {usable} could take it"

    def _usable(self, name: str) -> bool:
        slot = self.scheduler.slots.get(name)
        if slot is None or not slot.ready or slot.full:
            return False
        return slot.device is None or self.scheduler.guest_mode.why(slot.device) is None

    # Moves

    def _move(self, event: ev.Event, action: Start | Stop | WatchMemory | Sleep | Wake, now_s: float) -> None:
        scheduler, worker = self.scheduler, action.worker
        slot, before = scheduler.slots[worker], self._slots[worker]
        assert not slot.spec.external
        about_it = getattr(event, "worker", None) == worker
        ended = about_it and isinstance(event, ENDS.get(before.state, ()))
        host = scheduler.accounts[CPU]
        match action:
            case Start(_, device, charge_bytes):
                assert before.state in (*GONE, SlotState.STOPPING)
                assert before.state in GONE or ended
                account = scheduler.accounts[device]
                assert slot.device == device
                assert device in slot.spec.devices
                assert account.charges.get(worker, 0) == charge_bytes
                assert account.free_bytes >= 0
                assert not account.lost
                assert not slot.spec.host_bytes or not is_gpu(device) or host.free_bytes >= 0 or not host.usable_bytes
                assert scheduler.guest_mode.why(device) is None
                self._may_come_up(slot, now_s)
            case Wake():
                assert before.state is SlotState.SLEEPING or ended
                assert slot.device is not None
                assert scheduler.accounts[slot.device].free_bytes >= 0
                self._may_come_up(slot, now_s)
            case Sleep():
                assert now_s >= scheduler._house.settled_from_s or isinstance(event, ev.SleepWanted)
                assert before.state is SlotState.READY or ended
                assert host.free_bytes >= 0 or not host.usable_bytes
                assert not self._left_of(before, event)
            case Stop():
                forced = isinstance(event, ev.StopWanted) and event.worker == worker
                in_grace = now_s < scheduler._house.settled_from_s
                assert not in_grace or before.state in BUSY_STATES or (forced and event.force)  # type: ignore[attr-defined]
                given_up = before.state is SlotState.STARTING
                assert before.state not in BUSY_STATES or ended or forced or given_up
                if not (forced and event.force):  # type: ignore[attr-defined]
                    assert not self._left_of(before, event), f"{worker} is stopped under {before.leases} by {event}"
            case WatchMemory(_, device):
                assert slot.device == device
                assert isinstance(event, ev.Stopped | ev.Exited | ev.StartFailed)
                assert about_it
                assert not before.gone

    def _left_of(self, before: _Before, event: ev.Event) -> frozenset[LeaseId]:
        ended = {event.lease_id} if isinstance(event, ev.Cancelled | ev.Released) else set()
        return before.leases - ended

    def _may_come_up(self, slot: ModelSlot, now_s: float) -> None:
        assert not slot.held_down
        assert not slot.hopeless
        assert now_s >= slot.retry_at_s

    # State

    def _books(self) -> None:
        scheduler = self.scheduler
        leases: dict[LeaseId, str] = {}
        for name, slot in scheduler.slots.items():
            assert not slot.leases or slot.state is SlotState.READY
            leases.update(dict.fromkeys(slot.leases, name))
            if slot.spec.external:
                assert slot.state is SlotState.READY
                assert slot.device is None
            else:
                assert (slot.device is None) == (slot.state in GONE), f"{name} is {slot.state} on {slot.device}"
            if slot.state in GONE:
                assert all(name not in account.charges for account in scheduler.accounts.values())
        assert leases == self.held
        promised: list[str] = []
        for device, account in scheduler.accounts.items():
            assert account.charged_bytes == sum(account.charges.values())
            assert all(size > 0 for size in account.charges.values())
            coming = [s.name for s in scheduler.slots.values() if s.device == device and s.state in COMING_UP]
            assert len(coming) <= 1 or not is_gpu(device), f"{coming} come up on {device} at once"
            if account.promised_to is not None:
                assert account.promised_to not in promised or not is_gpu(device), "room is made in two places"
                promised += [account.promised_to] if is_gpu(device) else []
                slot = scheduler.slots[account.promised_to]
                assert slot.state in (SlotState.STOPPED, SlotState.SLEEPING)
                assert not slot.held_down

    def _shed(self, now_s: float) -> None:
        """Who is over the budget has nobody idle left that is not on the way out."""
        scheduler = self.scheduler
        if now_s < scheduler._house.settled_from_s:
            return
        for device, account in scheduler.accounts.items():
            if account.free_bytes >= 0 or not account.usable_bytes:
                continue
            leaving = sum(scheduler._house.leaving_bytes(slot, device) for slot in scheduler.slots.values())
            if account.free_bytes + leaving >= 0:
                continue
            stay = [
                slot.name
                for slot in scheduler.slots.values()
                if account.charges.get(slot.name)
                and not slot.pinned
                and (slot.idle or (slot.state is SlotState.STARTING and account.foreign_bytes))
            ]
            assert not stay, f"{device} is over its budget and {stay} stay"

    def _wishes_told(self, event: ev.Event, decisions: Sequence[Decision], now_s: float) -> None:
        wishes = {wish.worker: wish.expires_s for wish in self.scheduler._wishes.all()}
        for worker in self._wishes.keys() - wishes.keys():
            slot = self.scheduler.slots[worker]
            told = {decision.kind for decision in decisions if decision.worker == worker}
            person = isinstance(event, ev.StopWanted | ev.SleepWanted) and event.worker == worker
            came = slot.state is SlotState.READY
            assert came or person or told & {"ready", "wish", "failed"}, f"the wish for {worker} is lost by {event}"
        for decision in decisions:
            if decision.kind == "wish":
                assert self.scheduler.slots[str(decision.worker)].state not in COMING_UP, (
                    "it was given up while it came"
                )
        for worker, expires_s in wishes.items():
            coming = self.scheduler.slots[worker].state in COMING_UP
            assert now_s < expires_s + TICK_S or coming, f"the wish for {worker} is {now_s - expires_s} s too old"
