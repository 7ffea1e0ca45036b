"""When a worker that is not ready could be."""

from __future__ import annotations

from dataclasses import dataclass

from .actions import DenyCode
from .placement import Chance, Eviction, House, Place
from .policy import SchedulerPolicy
from .slot import ModelSlot
from .slot_state import SlotState


@dataclass(frozen=True, slots=True)
class Outlook:
    """`eta_s` is None where it depends on others; `hopeless` where waiting is useless before something changes."""

    code: DenyCode
    text: str
    eta_s: float | None = None
    hopeless: bool = False
    retry_after_s: float | None = None
    place: Place | None = None
    """Where it can be brought up now (FITS or EVICT)."""


def outlook(slot: ModelSlot, house: House, now_s: float) -> Outlook:
    """Return how long a request would wait for this worker, and why."""
    policy, name = house.policy, slot.name
    match slot.state:
        case SlotState.READY:
            return Outlook("server-full", f"{name} has {len(slot.leases)} requests already")
        case SlotState.FAILED:
            wait_s = None if slot.hopeless else max(0.0, slot.retry_at_s - now_s)
            return Outlook("worker-failed", f"{name} failed: {slot.last_error}", hopeless=True, retry_after_s=wait_s)
        case SlotState.STARTING | SlotState.WAKING:
            eta_s = max(0.1, slot.since_s + _coming_up_s(slot, policy) - now_s)
            return Outlook("worker-loading", f"{name} is {slot.state}", eta_s)
        case SlotState.STOPPING | SlotState.FALLING_ASLEEP if not slot.held_down:
            return Outlook("worker-loading", f"{name} is {slot.state}", 1.0 + slot.spec.start_s)
    if slot.held_down:
        return Outlook("worker-unavailable", f"{name} was stopped by its owner", hopeless=True)
    delay_s = max(0.0, slot.retry_at_s - now_s)
    if delay_s:
        text = f"{name} comes back in {delay_s:.1f} s"
        return Outlook("worker-loading", text, delay_s + _coming_up_s(slot, policy))
    place = house.place(slot, now_s, Eviction.LOWER)
    text = f"{name}: {place.text}"
    match place.chance:
        case Chance.FITS:
            return Outlook("worker-loading", text, _coming_up_s(slot, policy), place=place)
        case Chance.EVICT:
            return Outlook("worker-loading", text, 1.0 + _coming_up_s(slot, policy), place=place)
        case Chance.PENDING:
            return Outlook("worker-loading", text, 1.0 + _coming_up_s(slot, policy))
        case Chance.GUEST:
            return Outlook("guest-mode", text, hopeless=True)
        case Chance.NEVER:
            return Outlook("no-memory", text, hopeless=True)
        case Chance.SHORT:
            return Outlook("no-memory", text)


def _coming_up_s(slot: ModelSlot, policy: SchedulerPolicy) -> float:
    waking = slot.state in (SlotState.WAKING, SlotState.SLEEPING)
    return policy.wake_s if waking else slot.spec.start_s
