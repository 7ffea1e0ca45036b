"""Requests that wait for their answer: each gets exactly one, by its deadline at the latest.

For a request, rung by rung from the best:

    ready, and room for a lease      GRANT, unless it must make way (rule 16) or a better rung is nearly there;
                                     below the first rung degraded, saying why, and the better ones are wished for
    ready, its device a guest's      go down: it leaves as soon as its leases have ended
    else                             go down
    no rung ready                    bring up the best that can be there before the deadline, else the one that comes
                                     soonest, wishing for the better ones; WAIT
    no rung can ever come            DENY at once, with the reason of the first
    deadline                         DENY: worker-loading, server-full, no-memory, ... with the time to ask again
    too many wait                    DENY the newest: server-full
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from avatar_appliance.leases.urgency import Urgency

from .eviction import Eviction
from .lease_request import LeaseId, LeaseRequest
from .moves import Moves
from .outlook import Outlook, Outlooks
from .placement import Chance, House
from .slot import Holding, ModelSlot
from .slot_state import SlotState
from .wishes import Wishes

# A background wish after a degraded answer: long enough for a big model's place to become free.
BETTER_RUNG_S = 60.0
WARM_S = 30.0
_ORDER = attrgetter("order")


@dataclass(slots=True)
class _Waiting:
    request: LeaseRequest
    asked_s: float
    rungs: tuple[ModelSlot, ...]
    """The workers of its ladder that there are."""
    wants: set[str] = field(default_factory=set)
    """Workers that are being brought up for it."""
    wished: set[str] = field(default_factory=set)
    """Better ones that were wished for on its behalf."""

    looked_at: int = -1
    """The `House.version` when it was found to have to wait for a worker; -1: look again whatever happens."""
    look_at_s: float = 0.0
    """When to look again although nothing has changed."""
    looks: list[Outlook] = field(default_factory=list)
    """How its rungs looked when it was last decided what to bring up."""

    @property
    def order(self) -> tuple[int, float]:
        """Urgent ones first, then by arrival."""
        return self.request.urgency, self.asked_s


class WaitingRoom:
    """Serves requests over the slots; owns which lease belongs to which slot."""

    def __init__(self, house: House, moves: Moves, wishes: Wishes) -> None:
        self._house = house
        self._moves = moves
        self._wishes = wishes
        self._outlooks = Outlooks(house)
        self._waiting: dict[LeaseId, _Waiting] = {}
        self._holders: dict[LeaseId, ModelSlot] = {}

    @property
    def waiting(self) -> Iterator[tuple[LeaseRequest, float]]:
        """Requests without an answer, and when they were asked."""
        return ((entry.request, entry.asked_s) for entry in self._waiting.values())

    def knows(self, lease_id: LeaseId) -> bool:
        """Return whether a request or a lease has this identity."""
        return lease_id in self._waiting or self._holder(lease_id) is not None

    def wants(self, worker: str) -> bool:
        """Return whether a waiting request needs the worker to come up."""
        return any(worker in entry.wants for entry in self._waiting.values())

    def ask(self, request: LeaseRequest, now_s: float) -> None:
        """Take a request, to be answered by `serve`; raises ValueError for a lease id that is in use."""
        if self.knows(request.lease_id):
            raise ValueError("lease ids are unique")
        for name in request.warm:
            if name in self._house.slots:
                self._wishes.add(name, Eviction.NONE, now_s, WARM_S, "it is needed next")
        slots = self._house.slots
        rungs = tuple(slots[name] for name in request.ladder if name in slots)
        if not rungs:
            text = f"no such worker: {', '.join(request.ladder)}"
            self._moves.deny(request.lease_id, "worker-unavailable", text, now_s)
            return
        self._waiting[request.lease_id] = _Waiting(request, now_s, rungs)

    def leave(self, lease_id: LeaseId, now_s: float) -> None:
        """End a request or a lease, whichever it is by now; unknown ones have ended already."""
        self._waiting.pop(lease_id, None)
        slot = self._holder(lease_id)
        self._holders.pop(lease_id, None)
        if slot is not None:
            was_full = slot.full
            del slot.leases[lease_id]
            slot.idle_since_s = now_s
            if was_full or not slot.leases:
                self._house.changed(slot.device, ram=False)

    def hold(self, lease_id: LeaseId, slot: ModelSlot, holding: Holding) -> None:
        """Note a lease that is held."""
        slot.leases[lease_id] = holding
        self._holders[lease_id] = slot
        if len(slot.leases) == 1 or slot.full:  # it is no victim any more, or full
            self._house.changed(slot.device, ram=False)
            self._outlooks.taken(slot)

    def tell(self, lease_id: LeaseId, urgency: Urgency) -> None:
        """Take how much of a hurry the holder of a lease is in; an unknown one has ended already."""
        slot = self._holder(lease_id)
        if slot is None:
            return
        was_full = slot.full
        slot.leases[lease_id].urgency = urgency
        if slot.full is not was_full:
            self._house.changed(slot.device, ram=False)
            self._outlooks.taken(slot)

    def forget(self, slot: ModelSlot) -> None:
        """Forget the leases of a slot that ended: they were revoked."""
        for lease_id in [lease_id for lease_id, holder in self._holders.items() if holder is slot]:
            if lease_id not in slot.leases:
                del self._holders[lease_id]

    def _holder(self, lease_id: LeaseId) -> ModelSlot | None:
        slot = self._holders.get(lease_id)
        return slot if slot is not None and lease_id in slot.leases else None

    def serve(self, now_s: float) -> None:
        """Answer who can be answered: urgent ones first, then by arrival; then turn away who is too many."""
        self._outlooks.clear()
        house = self._house
        for entry in sorted(self._waiting.values(), key=_ORDER):
            if entry.looked_at == house.version and now_s < entry.look_at_s:
                continue  # as before
            if self._answer(entry, now_s):
                del self._waiting[entry.request.lease_id]
        while len(self._waiting) > self._house.policy.most_waiting:
            newest, _ = self._waiting.popitem()
            text = f"{len(self._waiting)} requests wait already"
            self._moves.deny(newest, "server-full", text, now_s, retry_after_s=1.0)

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

    def _answer(self, entry: _Waiting, now_s: float) -> bool:
        request, version = entry.request, self._house.version
        entry.looked_at = -1
        looks: list[Outlook] = []
        for slot in entry.rungs:
            if slot.state is SlotState.READY and self._has_room(slot):
                unready = list(zip(entry.rungs, looks, strict=False))
                entry.looks = []
                if now_s < request.deadline_s:
                    if self._makes_way(entry, slot, now_s):
                        return False
                    if self._better_is_near(entry, unready, now_s):
                        return False
                self._grant(entry, slot, unready, now_s)
                return True
            looks.append(self._outlooks.of(slot, now_s))
        if looks != entry.looks or now_s >= entry.look_at_s:
            unready = list(zip(entry.rungs, looks, strict=True))
            if all(look.hopeless for look in looks) or now_s >= request.deadline_s:
                self._deny(entry, unready, now_s)
                return True
            self._bring_up(entry, unready, now_s)
            entry.looks, entry.look_at_s = looks, self._look_at_s(entry, unready, now_s)
        entry.looked_at = version
        return False

    def _look_at_s(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> float:
        """Return when the answer may be another one without anything having changed."""
        look_at_s = deadline_s = entry.request.deadline_s
        for slot, look in unready:
            if slot.retry_at_s > now_s:
                look_at_s = min(look_at_s, slot.retry_at_s)
            eta_s = look.eta_s(now_s)
            if eta_s is not None and now_s < deadline_s - eta_s < look_at_s:
                look_at_s = deadline_s - eta_s  # from then on it does not come in time
        return look_at_s

    def _has_room(self, slot: ModelSlot) -> bool:
        """Return whether a ready worker can take a lease now: not full, nor about to leave, for a guest perhaps."""
        if slot.draining or slot.full:
            return False
        return slot.device is None or self._house.guest_mode.why(slot.device) is None

    def _makes_way(self, entry: _Waiting, slot: ModelSlot, now_s: float) -> bool:
        """Return whether it waits a moment, since somebody else is in a hurry on the same device (rule 16)."""
        urgency, policy = entry.request.urgency, self._house.policy
        if not urgency.yields or slot.device is None:
            return False
        bound_s = policy.later_yield_s if urgency is Urgency.LATER else policy.background_yield_s
        if now_s >= entry.asked_s + bound_s:  # as `next_look_s` says it, to the last bit
            return False
        return any(other.computes_urgently(but=entry.request.lease_id) for other in self._house.on(slot.device))

    def _better_is_near(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> bool:
        """Return whether a better rung comes within the patience that is left; a sleeping one is woken for that."""
        if not unready:
            return False
        left_s = min(entry.asked_s + self._house.policy.better_rung_patience_s, entry.request.deadline_s) - now_s
        near = [one for one in unready if (eta_s := one[1].eta_s(now_s)) is not None and eta_s <= left_s]
        if not near:
            return False
        self._bring_up(entry, near, now_s)
        return True

    def _grant(
        self,
        entry: _Waiting,
        slot: ModelSlot,
        better: list[tuple[ModelSlot, Outlook]],
        now_s: float,
    ) -> None:
        request, degraded = entry.request, None
        if slot.name != request.ladder[0]:
            why = better[0][1].text if better else f"there is no worker {request.ladder[0]}"
            degraded = f"{slot.name} instead of {request.ladder[0]}: {why}"
        self.hold(request.lease_id, slot, Holding(request.urgency, request.client))
        self._moves.grant(slot, request.lease_id, degraded, now_s)
        for missed, look in better:
            if missed.state is not SlotState.READY and not look.hopeless:
                self._wish_for(entry, missed, now_s)

    def _bring_up(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> None:
        """Bring up the rung that helps this request most; what is begun makes all outlooks void."""
        left_s = entry.request.deadline_s - now_s
        chosen: tuple[float, ModelSlot, Outlook] | None = None
        for slot, look in unready:
            eta_s = look.eta_s(now_s)
            if eta_s is None:
                continue
            if chosen is None or eta_s < chosen[0]:
                chosen = eta_s, slot, look
            if eta_s <= left_s:
                break
        if chosen is None:
            return
        _, slot, look = chosen
        entry.wants.add(slot.name)
        for better, better_look in unready:
            if better is slot:
                break
            if better_look.up_s is not None:
                self._wish_for(entry, better, now_s)
        if look.place is None or look.place.device is None:
            return
        why = f"{entry.request.client or 'somebody'} asks for it"
        if look.place.chance is Chance.FITS:
            self._moves.bring_up(slot, look.place.device, now_s, why)
        else:
            # Whoever asked may be gone before the room is there, but then nobody has left for nothing.
            self._moves.make_room(slot, look.place, now_s, why)
            self._wishes.add(slot.name, Eviction.LOWER, now_s, BETTER_RUNG_S, why)
        self._outlooks.clear()

    def _wish_for(self, entry: _Waiting, slot: ModelSlot, now_s: float) -> None:
        if slot.name not in entry.wished:
            entry.wished.add(slot.name)
            self._wishes.add(slot.name, Eviction.LOWER, now_s, BETTER_RUNG_S, "it was missed")

    def _deny(self, entry: _Waiting, unready: list[tuple[ModelSlot, Outlook]], now_s: float) -> None:
        looks = [look for _, look in unready]
        order = ("worker-loading", "server-full")
        told = next((look for code in order for look in looks if look.code == code), looks[0])
        text = "; ".join(look.text for look in looks)
        retries_s = [max(0.0, look.retry_at_s - now_s) for look in looks if look.retry_at_s is not None]
        times = [*retries_s, *(eta_s for look in looks if (eta_s := look.eta_s(now_s)) is not None)]
        retry_after_s = min(times) if times else (1.0 if told.code in ("server-full", "no-memory") else None)
        if told.hopeless and not times:
            retry_after_s = None
        self._moves.deny(entry.request.lease_id, told.code, text, now_s, retry_after_s)
