"""When a worker that cannot take a request now could, and why it cannot.

failed, or about to be           hopeless, with the time of its next try
stopped by its owner             hopeless
ready, its device a guest's      hopeless: it leaves
ready                            full
starting, waking                 when that should be done
backing off                      when it may be tried, and then the start
stopped, asleep, on the way      as placement.py says: FITS and EVICT can be begun, PENDING comes by itself, SHORT
                                 depends on others, GUEST and NEVER are hopeless
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .actions import DenyCode
from .device_view import coming_up_s
from .eviction import Eviction
from .placement import Chance, House, Place
from .policy import SchedulerPolicy
from .slot import BUSY_STATES, ModelSlot
from .slot_state import SlotState

ROOM_S = 1.0
"""How long memory takes to come back once somebody was told to go."""
SOON_S = 0.1
"""What is overdue is there any moment."""


class Outlook(NamedTuple):
    """When a request could have a worker that cannot take it now. What has not changed is the same object as before."""

    code: DenyCode
    tell: Callable[[], str]
    up_s: float | None = None
    """How long it takes to come up; None where it depends on others."""
    from_s: float | None = None
    """From when on that counts; None: from now."""
    hopeless: bool = False
    """Waiting is useless before something changes."""
    retry_at_s: float | None = None
    place: Place | None = None
    """Where it can be brought up now (FITS or EVICT)."""

    @property
    def text(self) -> str:
        """The reason, for people."""
        return self.tell()

    def eta_s(self, now_s: float) -> float | None:
        """Return how long it takes until it is ready."""
        if self.up_s is None or self.from_s is None:
            return self.up_s
        return self.up_s + max(SOON_S, self.from_s - now_s)


class Outlooks:
    """The outlooks of one pass over the requests; `clear` when something was begun, and for the next pass."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._made: dict[str, Outlook] = {}
        self._known: dict[str, tuple[Place | SlotState, Outlook]] = {}
        """The last one of each worker, and the place or state it came from."""

    def clear(self) -> None:
        """Forget them: something has changed."""
        self._made.clear()

    def taken(self, slot: ModelSlot) -> None:
        """Forget those that a new lease on `slot` makes void: it may be full, and is no victim any more."""
        self._made.pop(slot.name, None)
        for name in [name for name, look in self._made.items() if look.place and slot in look.place.victims]:
            del self._made[name]

    def of(self, slot: ModelSlot, now_s: float) -> Outlook:
        """Return how long a request would wait for this worker, which cannot take it now, and why."""
        look = self._made.get(slot.name)
        if look is None:
            look = self._made[slot.name] = self._look(slot, now_s)
        return look

    def _look(self, slot: ModelSlot, now_s: float) -> Outlook:
        if slot.state is SlotState.STOPPED and not slot.held_down and slot.retry_at_s <= now_s:  # as most are
            return self._of_place(slot, self._house.place(slot, now_s, Eviction.LOWER))
        look = self._of_state(slot, now_s)
        known = self._known.get(slot.name)
        if known is not None and slot.state in BUSY_STATES and known[0] is slot.state and known[1][2:] == look[2:]:
            return known[1]
        self._known[slot.name] = slot.state, look
        return look

    def _of_place(self, slot: ModelSlot, place: Place) -> Outlook:
        known = self._known.get(slot.name)
        if known is not None and known[0] is place:
            return known[1]
        look = _by_place(slot, place, self._house.policy)
        self._known[slot.name] = place, look
        return look

    def _of_state(self, slot: ModelSlot, now_s: float) -> Outlook:
        house, state, name = self._house, slot.state, slot.name
        if state is SlotState.FAILED or (state is SlotState.STOPPING and slot.after_stop is SlotState.FAILED):
            retry_at_s = None if slot.hopeless else slot.retry_at_s
            error = slot.last_error
            return Outlook("worker-failed", lambda: f"{name} failed: {error}", hopeless=True, retry_at_s=retry_at_s)
        if slot.held_down:
            return Outlook("worker-unavailable", lambda: f"{name} was stopped by its owner", hopeless=True)
        if state is SlotState.READY:
            device, leases = slot.device, len(slot.leases)
            if device is not None and (why := house.guest_mode.why(device)) is not None:
                return Outlook("guest-mode", lambda: f"{name}: {device} is a guest's: {why}", hopeless=True)
            return Outlook("server-full", lambda: f"{name} has {leases} requests already")
        up_s = coming_up_s(slot.spec, state, house.policy)
        if state is SlotState.STARTING or state is SlotState.WAKING:
            return Outlook("worker-loading", lambda: f"{name} is {state}", 0.0, slot.since_s + up_s)
        leaving = state is SlotState.STOPPING or state is SlotState.FALLING_ASLEEP
        if slot.retry_at_s > now_s and not leaving:
            delay_s = slot.retry_at_s - now_s
            return Outlook("worker-loading", lambda: f"{name} comes back in {delay_s:.1f} s", up_s, slot.retry_at_s)
        place = house.place(slot, now_s, Eviction.LOWER)
        if not leaving or place.chance > Chance.PENDING:
            return _by_place(slot, place, house.policy)
        if state is SlotState.FALLING_ASLEEP:
            up_s = house.policy.wake_s
        from_s = slot.retry_at_s if slot.retry_at_s > now_s + ROOM_S else None
        return Outlook("worker-loading", lambda: f"{name} is {state}", up_s if from_s else ROOM_S + up_s, from_s)


def _by_place(slot: ModelSlot, place: Place, policy: SchedulerPolicy) -> Outlook:
    name, up_s = slot.name, coming_up_s(slot.spec, slot.state, policy)

    def tell() -> str:
        return f"{name}: {place.text}"

    match place.chance:
        case Chance.FITS:
            return Outlook("worker-loading", tell, up_s, place=place)
        case Chance.EVICT:
            return Outlook("worker-loading", tell, ROOM_S + up_s, place=place)
        case Chance.PENDING if place.from_s is not None:
            return Outlook("worker-loading", tell, up_s, place.from_s)
        case Chance.PENDING:
            return Outlook("worker-loading", tell, ROOM_S + up_s)
        case Chance.GUEST:
            return Outlook("guest-mode", tell, hopeless=True)
        case Chance.NEVER:
            return Outlook("no-memory", tell, hopeless=True)
        case Chance.SHORT:
            return Outlook("no-memory", tell)
