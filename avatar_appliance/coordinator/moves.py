"""The moves a scheduler can make: each changes a slot's state, charges or discharges memory, and says why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from avatar_appliance.config.size import format_size

from .actions import Action, Deny, DenyCode, Grant, Revoke, Sleep, Start, Stop, Wake, WatchMemory
from .decision import Decision, DecisionKind
from .device import CPU, DeviceId, is_gpu
from .lease_request import LeaseId
from .placement import House, Place, start_bytes
from .slot import ModelSlot
from .slot_state import SlotState

DEGRADE_TOLD_S = 60.0
"""How often the same degradation is put on record."""


class Moves:
    """Collects actions and decisions until `take_actions` and `take_decisions`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._actions: list[Action] = []
        self._decisions: list[Decision] = []
        self._told_s: dict[str, float] = {}

    def take_actions(self) -> list[Action]:
        """Return the actions since the last call."""
        actions, self._actions = self._actions, []
        return actions

    def take_decisions(self) -> list[Decision]:
        """Return the decisions since the last call."""
        decisions, self._decisions = self._decisions, []
        return decisions

    def bring_up(self, slot: ModelSlot, device: DeviceId, now_s: float, why: str) -> None:
        """Start the worker on a device where it fits, or wake it."""
        charge = start_bytes(slot)
        self._house.accounts[device].charge(slot.name, charge)
        self._drop_promises(slot)
        slot.rests = slot.draining = False
        slot.last_error = ""
        if slot.state is SlotState.SLEEPING:
            self.become(slot, SlotState.WAKING, now_s)
            self._actions.append(Wake(slot.name))
            self.decide("wake", now_s, f"{slot.name} is woken: {why}", slot)
            return
        slot.device = device
        self.charge_host(slot, slot.spec.host_bytes)
        self.become(slot, SlotState.STARTING, now_s)
        self._actions.append(Start(slot.name, device, charge))
        self.decide("start", now_s, f"{slot.name} starts on {device} with {format_size(charge)}: {why}", slot)

    def make_room(self, slot: ModelSlot, place: Place, now_s: float, why: str) -> None:
        """Send the victims away; the device is promised to `slot` until it starts or is wanted no longer."""
        assert place.device is not None
        if is_gpu(place.device):
            self._drop_promises(slot)  # of a GPU that will not do any more
        self._house.accounts[place.device].promised_to = slot.name
        self._house.changed(place.device)
        reason = f"{slot.name} needs its memory ({why})"
        self.send_away(place.victims, place.device, place.need_bytes, now_s, reason)

    def send_away(
        self,
        victims: Sequence[ModelSlot],
        device: DeviceId,
        need_bytes: int,
        now_s: float,
        why: str,
        *,
        kind: DecisionKind = "stop",
    ) -> None:
        """End the victims; who can sleep sleeps instead, where what a sleeper keeps is not needed, too."""
        charges = self._house.accounts[device].charges
        spare = sum(charges.get(victim.name, 0) for victim in victims) - need_bytes
        for victim in victims:
            if victim.device == device and self.can_sleep(victim) and victim.spec.sleep_bytes <= spare:
                spare -= victim.spec.sleep_bytes
                self.put_to_sleep(victim, now_s, why)
            else:
                self.stop(victim, now_s, why, kind=kind)

    def _drop_promises(self, slot: ModelSlot) -> None:
        for account in self._house.accounts.values():
            if account.promised_to == slot.name:
                account.promised_to = None
                self._house.changed(account.device)

    def can_sleep(self, slot: ModelSlot) -> bool:
        """Return whether it can sleep now: it is up, and RAM has room for what it takes along."""
        if not slot.spec.can_sleep or slot.state is not SlotState.READY or slot.device in (None, CPU):
            return False
        host = self._house.accounts.get(CPU)
        return host is None or not host.usable_bytes or slot.spec.rest_bytes <= host.free_bytes

    def put_to_sleep(self, slot: ModelSlot, now_s: float, why: str) -> None:
        """Begin to put it to sleep."""
        self.become(slot, SlotState.FALLING_ASLEEP, now_s)
        self.charge_host(slot, slot.spec.host_bytes + slot.spec.rest_bytes)
        self._actions.append(Sleep(slot.name))
        self.decide("sleep", now_s, f"{slot.name} goes to sleep: {why}", slot)

    def stop(self, slot: ModelSlot, now_s: float, why: str, *, kind: DecisionKind = "stop") -> None:
        """Begin to end it; its leases end now."""
        self.revoke_all(slot)
        slot.draining = slot.process_gone = False
        slot.after_stop = SlotState.STOPPED
        self.become(slot, SlotState.STOPPING, now_s)
        self._actions.append(Stop(slot.name))
        self.decide(kind, now_s, f"{slot.name} is stopped: {why}", slot)

    def ended(self, slot: ModelSlot, now_s: float, after: SlotState) -> None:
        """Its process is gone: watch its memory come back, then be `after`."""
        self.revoke_all(slot)
        slot.draining, slot.process_gone = False, True
        slot.after_stop = after
        assert slot.device is not None
        self.become(slot, SlotState.STOPPING, now_s)
        self._actions.append(WatchMemory(slot.name, slot.device))

    def discharge(self, slot: ModelSlot, residue_bytes: int, now_s: float) -> None:
        """Its memory is back, but for `residue_bytes`, which count as a stranger's from now on."""
        device = slot.device
        assert device is not None
        account = self._house.accounts[device]
        account.charge(slot.name, 0)
        if residue_bytes:
            account.foreign_bytes += residue_bytes
            self.decide("residue", now_s, f"{slot.name} left {format_size(residue_bytes)} on {device}", slot)
        self.charge_host(slot, 0)
        slot.device, slot.process_gone = None, False
        self.become(slot, slot.after_stop, now_s)

    def charge_host(self, slot: ModelSlot, size_bytes: int) -> None:
        """Charge the RAM that a worker on a GPU holds beside its memory there."""
        host = self._house.accounts.get(CPU)
        if host is not None and slot.device is not None and is_gpu(slot.device):
            host.charge(slot.name, size_bytes)

    def revoke_all(self, slot: ModelSlot) -> None:
        """End its leases: the worker behind them is gone."""
        self._actions += [Revoke(lease_id, slot.name) for lease_id in slot.leases]
        slot.leases.clear()

    def grant(self, slot: ModelSlot, lease_id: LeaseId, degraded: str | None, now_s: float) -> None:
        """Answer a request with this worker."""
        self._actions.append(Grant(lease_id, slot.name, degraded))
        if degraded is not None and self._is_news(degraded, now_s):
            self.decide("degrade", now_s, degraded, slot, lease_id)

    def _is_news(self, degraded: str, now_s: float) -> bool:
        """Return whether this was not decided a moment ago: every turn tells it in the history, once a minute is enough
        for the record."""
        # Times and sizes in the text change from turn to turn.
        kind = re.sub(r"[0-9.]+", "", degraded)
        told_s = self._told_s.get(kind)
        if told_s is not None and now_s - told_s < DEGRADE_TOLD_S:
            return False
        self._told_s = {text: at_s for text, at_s in self._told_s.items() if now_s - at_s < DEGRADE_TOLD_S}
        self._told_s[kind] = now_s
        return True

    def revoke(self, lease_id: LeaseId, worker: str) -> None:
        """End a lease that cannot be honoured."""
        self._actions.append(Revoke(lease_id, worker))

    def deny(
        self, lease_id: LeaseId, code: DenyCode, text: str, now_s: float, retry_after_s: float | None = None
    ) -> None:
        """Answer a request with no."""
        self._actions.append(Deny(lease_id, code, text, retry_after_s))
        self.decide("deny", now_s, f"denied: {text}", None, lease_id, {"code": code})

    def become(self, slot: ModelSlot, state: SlotState, now_s: float) -> None:
        """Change the state of a slot."""
        slot.state, slot.since_s = state, now_s
        self._house.changed(slot.device)

    def decide(
        self,
        kind: DecisionKind,
        now_s: float,
        text: str,
        slot: ModelSlot | None = None,
        lease_id: LeaseId | None = None,
        detail: Mapping[str, Any] | None = None,
        *,
        device: DeviceId | None = None,
    ) -> None:
        """Record a decision."""
        self._decisions.append(
            Decision(
                kind=kind,
                at_s=now_s,
                text=text,
                worker=slot.name if slot else None,
                device=device or (slot.device if slot else None),
                lease_id=lease_id,
                detail=detail or {},
            )
        )
