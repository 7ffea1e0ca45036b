"""A device as placement sees it: everything that decides who can start there, in a value that can be compared.

Two looks that are equal lead to the same decisions, so that a decision is only made anew when something has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from .account import DeviceAccount
from .policy import SchedulerPolicy
from .slot import ModelSlot
from .slot_state import SlotState
from .victims import victim_order
from .worker_spec import WorkerSpec


class Candidate(NamedTuple):
    """Somebody idle and not pinned who could give memory back."""

    name: str
    size_bytes: int
    priority: int
    settled: bool
    """It has been up for a while, or sleeps."""


class DeviceView(NamedTuple):
    """What counts of a device and of those who hold memory there."""

    readable: bool
    guest: str | None
    budget_bytes: int
    free_bytes: int
    promised_to: str | None
    coming: str | None
    """The worker that starts or wakes there, of several the last."""
    coming_at_s: float
    """When it should be ready."""
    leaving_bytes: int
    candidates: tuple[Candidate, ...]
    """In the order in which they would have to go."""


def view_of(
    account: DeviceAccount,
    slots: Mapping[str, ModelSlot],
    awaited: Collection[str | None],
    guest: str | None,
    policy: SchedulerPolicy,
    now_s: float,
) -> DeviceView:
    """Look at a device.

    Of the RAM that workers on GPUs hold, only what sleepers hold is worth their end; but not of those who are
    `awaited`, for whom others have left.
    """
    device, coming, coming_at_s, leaving = account.device, None, 0.0, 0
    idle: list[ModelSlot] = []
    for name, charge in account.charges.items():
        slot = slots[name]
        state = slot.state
        if state is SlotState.READY:
            if not slot.leases and not slot.pinned and slot.device == device:
                idle.append(slot)
        elif state is SlotState.SLEEPING:
            if not slot.pinned and name not in awaited:
                idle.append(slot)
        elif state is SlotState.STOPPING or state is SlotState.FALLING_ASLEEP:
            leaving += leaving_bytes(slot, account, charge)
        elif slot.device == device:
            coming, coming_at_s = name, slot.since_s + coming_up_s(slot.spec, state, policy)
    candidates: tuple[Candidate, ...] = ()
    if idle:
        if len(idle) > 1:
            idle.sort(key=lambda slot: victim_order(slot, account))
        candidates = tuple(
            [
                Candidate(
                    slot.name,
                    account.charges[slot.name],
                    slot.spec.priority,
                    slot.state is SlotState.SLEEPING or now_s - slot.since_s >= policy.min_residency_s,
                )
                for slot in idle
            ]
        )
    return DeviceView(
        account.usable_bytes > 0 and not account.lost,
        guest,
        account.budget_bytes,
        account.free_bytes,
        account.promised_to,
        coming,
        coming_at_s,
        leaving,
        candidates,
    )


def leaving_bytes(slot: ModelSlot, account: DeviceAccount, charge_bytes: int) -> int:
    """Return what of its charge on a device a slot is about to give back."""
    if slot.state is SlotState.STOPPING:
        return charge_bytes
    if slot.state is SlotState.FALLING_ASLEEP and slot.device == account.device:
        return max(0, charge_bytes - slot.spec.sleep_bytes)
    return 0


def coming_up_s(spec: WorkerSpec, state: SlotState, policy: SchedulerPolicy) -> float:
    """Return how long a start takes, or a waking."""
    return policy.wake_s if state in (SlotState.WAKING, SlotState.SLEEPING) else spec.start_s
