"""Requests that wait for their answer: each gets exactly one, by its deadline at the latest.

For a request, rung by rung from the best:

    ready, and room for a lease      GRANT, unless it must make way (rule 16) or a better rung is nearly there;
                                     below the first rung degraded, saying why, and the better ones are wished for
    else                             go down
    no rung ready                    bring up the best that can be there before the deadline, else the best that can
                                     come at all; WAIT
    no rung can ever come            DENY at once, with the reason of the first
    deadline                         DENY: worker-loading, server-full, no-memory, ... with the time to ask again
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .lease_request import LeaseId, LeaseRequest
from .moves import Moves
from .outlook import Outlook, outlook
from .placement import Chance, Eviction, House
from .slot import Holding, ModelSlot
from .slot_state import SlotState
from .wishes import Wish, Wishes

# A background wish after a degraded answer: long enough for a big model's place to become free.
BETTER_RUNG_S = 60.0
WARM_S = 30.0


@dataclass(slots=True)
class _Waiting:
    request: LeaseRequest
    asked_s: float
    wants: set[str] = field(default_factory=set)
    """Workers that are being brought up for it."""


class WaitingRoom:
    """Serves requests over the slots; owns which lease belongs to which slot."""

    def __init__(self, house: House, moves: Moves, wishes: Wishes) -> None:
        self._house = house
        self._moves = moves
        self._wishes = wishes
        self._waiting: dict[LeaseId, _Waiting] = {}
        self._holders: dict[LeaseId, ModelSlot] = {}

    @property
    def waiting(self) -> Iterator[tuple[LeaseRequest, float]]:
        """Requests without an answer, and when they were asked."""
        return ((entry.request, entry.asked_s) for entry in self._waiting.values())

    def holder(self, lease_id: LeaseId) -> ModelSlot | None:
        """Return the slot behind a granted lease."""
        return self._holders.get(lease_id)

    def wants(self, worker: str) -> bool:
        """Return whether a waiting request needs the worker to come up."""
        return any(worker in entry.wants for entry in self._waiting.values())

    def ask(self, request: LeaseRequest, now_s: float) -> None:
        """Take a request; a full room or an identity in use is answered at once."""
        if request.lease_id in self._waiting or request.lease_id in self._holders:
            raise ValueError("lease ids are unique")
        for name in request.warm:
            if name in self._house.slots:
                self._wishes.add(Wish(name, Eviction.NONE, now_s, now_s + WARM_S, "it is needed next"))
        if len(self._waiting) >= self._house.policy.most_waiting:
            text = f"{len(self._waiting)} requests wait already"
            self._moves.deny(request.lease_id, "server-full", text, now_s, retry_after_s=1.0)
            return
        self._waiting[request.lease_id] = _Waiting(request, now_s)

    def leave(self, lease_id: LeaseId, now_s: float) -> None:
        """End a request or a lease, whichever it is by now; unknown ones have ended already."""
        self._waiting.pop(lease_id, None)
        slot = self._holders.pop(lease_id, None)
        if slot is not None:
            slot.leases.pop(lease_id, None)
            slot.idle_since_s = now_s

    def hold(self, lease_id: LeaseId, slot: ModelSlot, holding: Holding) -> None:
        """Note a lease that is held."""
        slot.leases[lease_id] = holding
        self._holders[lease_id] = slot

    def forget(self, slot: ModelSlot) -> None:
        """Forget the leases of a slot that ended: they were revoked."""
        for lease_id in [lease_id for lease_id, holder in self._holders.items() if holder is slot]:
            if lease_id not in slot.leases:
                del self._holders[lease_id]

    def serve(self, now_s: float) -> None:
        """Answer who can be answered: urgent ones first, then by arrival."""
        outlooks: dict[str, Outlook] = {}
        for entry in sorted(self._waiting.values(), key=lambda entry: (entry.request.urgency, entry.asked_s)):
            if self._answer(entry, now_s, outlooks):
                del self._waiting[entry.request.lease_id]

    def next_look_s(self, now_s: float) -> float | None:
        """Return when a waiting request has to be looked at again although nothing happened."""
        policy = self._house.policy
        times = [
            time_s
            for entry in self._waiting.values()
            for time_s in (
                entry.request.deadline_s,
                entry.asked_s + policy.later_yield_s,
                entry.asked_s + policy.background_yield_s,
                entry.asked_s + policy.better_rung_patience_s,
            )
            if time_s > now_s
        ]
        return min(times, default=None)

    def _answer(self, entry: _Waiting, now_s: float, outlooks: dict[str, Outlook]) -> bool:
        request = entry.request
        unready: list[tuple[ModelSlot, Outlook]] = []
        for name in request.ladder:
            slot = self._house.slots.get(name)
            if slot is None:
                continue
            if slot.ready and len(slot.leases) < slot.spec.max_leases:
                if now_s < request.deadline_s:
                    if self._makes_way(entry, slot, now_s):
                        return False
                    if self._better_is_near(entry, unready, now_s):
                        return False
                self._grant(entry, slot, unready, now_s)
                return True
            if name not in outlooks:
                outlooks[name] = outlook(slot, self._house, now_s)
            unready.append((slot, outlooks[name]))
        if not unready:
            text = f"no such worker: {', '.join(request.ladder)}"
            self._moves.deny(request.lease_id, "worker-unavailable", text, now_s)
            return True
        if all(look.hopeless for _, look in unready):
            self._deny(entry, unready, now_s)
            return True
        if now_s >= request.deadline_s:
            self._deny(entry, unready, now_s)
            return True
        if self._bring_up(entry, unready, now_s):
            outlooks.clear()
        return False

    def _makes_way(self, entry: _Waiting, slot: ModelSlot, now_s: float) -> bool:
        """Return whether it waits a moment, since somebody else is in a hurry on the same device (rule 16)."""
        urgency, policy = entry.request.urgency, self._house.policy
        if not urgency.yields or slot.device is None:
            return False
        bound_s = policy.later_yield_s if urgency.name == "LATER" else policy.background_yield_s
        if now_s - entry.asked_s >= bound_s:
            return False
        return any(other.computes_urgently(but=entry.request.lease_id) for other in self._house.on(slot.device))

    def _better_is_near(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> bool:
        """Return whether a better rung comes within the patience that is left; a sleeping one is woken for that."""
        left_s = min(entry.asked_s + self._house.policy.better_rung_patience_s, entry.request.deadline_s) - now_s
        near = [(slot, look) for slot, look in unready if look.eta_s is not None and look.eta_s <= left_s]
        if not near:
            return False
        self._bring_up(entry, near, now_s)
        return True

    def _grant(self, entry: _Waiting, slot: ModelSlot, better: list[tuple[ModelSlot, Outlook]], now_s: float) -> None:
        request, degraded = entry.request, None
        if slot.name != request.ladder[0]:
            why = better[0][1].text if better else f"there is no worker {request.ladder[0]}"
            degraded = f"{slot.name} instead of {request.ladder[0]}: {why}"
        self.hold(request.lease_id, slot, Holding(request.urgency, request.client))
        self._moves.grant(slot, request.lease_id, degraded, now_s)
        for missed, look in better:
            if missed.state is not SlotState.READY and not look.hopeless:
                wish = Wish(missed.name, Eviction.LOWER, now_s, now_s + BETTER_RUNG_S, "it was missed")
                self._wishes.add(wish)

    def _bring_up(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> bool:
        """Bring up the rung that helps this request most; return whether anything was begun."""
        left_s = entry.request.deadline_s - now_s
        coming = [(slot, look) for slot, look in unready if look.eta_s is not None]
        if not coming:
            return False
        in_time = [(slot, look) for slot, look in coming if look.eta_s is not None and look.eta_s <= left_s]
        slot, look = (in_time or coming)[0]
        entry.wants.add(slot.name)
        begun = False
        if look.place is not None and look.place.device is not None:
            why = f"{entry.request.client or 'somebody'} asks for it"
            if look.place.chance is Chance.FITS:
                self._moves.bring_up(slot, look.place.device, now_s, why)
            else:
                self._moves.make_room(slot, look.place, now_s, why)
            begun = True
        for better, _ in coming[: [c[0] for c in coming].index(slot)]:
            wish = Wish(better.name, Eviction.LOWER, now_s, now_s + BETTER_RUNG_S, "it was missed")
            self._wishes.add(wish)
        return begun

    def _deny(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> None:
        looks = [look for _, look in unready]
        order = ("worker-loading", "server-full")
        told = next((look for code in order for look in looks if look.code == code), looks[0])
        text = "; ".join(look.text for look in looks)
        times = [t for look in looks for t in (look.eta_s, look.retry_after_s) if t is not None]
        retry_after_s = min(times) if times else (1.0 if told.code in ("server-full", "no-memory") else None)
        if told.hopeless and not times:
            retry_after_s = None
        self._moves.deny(entry.request.lease_id, told.code, text, now_s, retry_after_s)
