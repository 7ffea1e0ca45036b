"""Who stays and who comes without anybody waiting: shedding, guests, wishes, keep-alive."""

from __future__ import annotations

from avatar_appliance.config.size import format_size

from .account import DeviceAccount
from .device import is_gpu
from .eviction import Eviction
from .moves import Moves
from .placement import Chance, House
from .slot import ModelSlot
from .slot_state import SlotState
from .victims import choose_victims
from .waiting_room import WaitingRoom
from .wishes import FOREVER_S, Wish, Wishes


class Residency:
    """Rules 5 to 7 and 10 to 12, applied after every event."""

    def __init__(self, house: House, moves: Moves, wishes: Wishes, room: WaitingRoom) -> None:
        self._house = house
        self._moves = moves
        self._wishes = wishes
        self._room = room
        self._done_at = -1, -1

    def make_way(self, now_s: float) -> None:
        """Give devices back: what is over the budget, what a guest wants, what drains."""
        if now_s < self._house.settled_from_s:
            return
        for slot in self._house.slots.values():
            if slot.draining and slot.idle:
                self._moves.stop(slot, now_s, "nobody uses it any more")
        for account in self._house.accounts.values():
            if (why := self._house.guest_mode.why(account.device)) is not None:
                self._clear(account, why, now_s)
            if account.free_bytes < 0 and account.usable_bytes > 0:
                self._shed(account, now_s)

    def come_and_go(self, now_s: float, *, time_passed: bool) -> None:
        """Grant wishes where it fits, end promises nobody needs, put away who is idle for long.

        Only after something has changed, or `time_passed`.
        """
        if not time_passed and self._done_at == (self._house.version, self._wishes.version):
            return
        for account in self._house.accounts.values():
            self._check_promise(account, now_s)
        for wish in self._wanted(now_s):
            self._grant(wish, now_s)
        if now_s < self._house.settled_from_s:
            return
        for slot in self._house.slots.values():
            keep_s = slot.spec.keep_alive_s
            if keep_s is None or slot.pinned or slot.state is not SlotState.READY or not slot.idle:
                continue
            if slot.spec.external:
                continue
            if now_s - slot.idle_since_s >= keep_s and not self._wishes.has(slot.name):
                slot.rests = True
                why = f"idle for {now_s - slot.idle_since_s:.0f} s"
                if self._moves.can_sleep(slot):
                    self._moves.put_to_sleep(slot, now_s, why)
                else:
                    self._moves.stop(slot, now_s, why)
        self._done_at = self._house.version, self._wishes.version

    def _clear(self, account: DeviceAccount, why: str, now_s: float) -> None:
        """A guest has the device: everybody idle leaves, pinned or not; starts are given up.

        Who is in use gets no new lease (see `WaitingRoom`) and leaves when done.
        """
        for slot in self._house.on(account.device):
            if slot.state is SlotState.STARTING:
                self._moves.stop(slot, now_s, why)
            elif slot.state is SlotState.READY and slot.idle:
                if self._moves.can_sleep(slot):
                    self._moves.put_to_sleep(slot, now_s, why)
                else:
                    self._moves.stop(slot, now_s, why)

    def _shed(self, account: DeviceAccount, now_s: float) -> None:
        """Somebody grew, or came: send idle workers away until it fits again, all of them if that is not enough.

        If it still is not, and strangers hold some of it, starts are given up, too: their memory is as good as gone.
        """
        device, charged = account.device, self._house.charged(account.device)
        missing = -account.free_bytes - sum(self._house.leaving_bytes(slot, device) for slot in charged)
        if missing <= 0:
            return
        idle = [slot for slot in charged if slot.idle and not slot.pinned]
        victims = choose_victims(idle, account, missing)
        going = idle if victims is None else list(victims)
        if victims is None and account.foreign_bytes:
            going += [slot for slot in charged if slot.state is SlotState.STARTING and not slot.pinned]
        for slot in going:
            self._keep_away(slot, now_s)
        why = f"{device} is {format_size(missing)} over its budget"
        self._moves.send_away(going, device, missing, now_s, why, kind="shed")

    def _keep_away(self, slot: ModelSlot, now_s: float) -> None:
        """Who was shed stays away for a while; each time it had hardly come before, twice as long.

        Where pids are hidden, what a worker takes beyond its estimate looks like a stranger who comes with it.
        """
        policy = self._house.policy
        if slot.state is not SlotState.STARTING and now_s - slot.since_s >= policy.steady_after_s:
            slot.sheds = 0
        longest_s = max(policy.after_shed_s, policy.longest_cool_down_s)
        away_s = min(policy.after_shed_s * 2 ** min(slot.sheds, 16), longest_s)
        slot.sheds += 1
        slot.retry_at_s = max(slot.retry_at_s, now_s + away_s)

    def _check_promise(self, account: DeviceAccount, now_s: float) -> None:
        """Free a device that is promised to somebody who came up elsewhere, cannot come, or is wanted no longer."""
        name = account.promised_to
        if name is None:
            return
        slot = self._house.slots[name]
        waits = slot.state in (SlotState.STOPPED, SlotState.SLEEPING) and now_s >= slot.retry_at_s
        wanted = not slot.held_down and (self._room.wants(name) or self._wishes.has(name))
        if not waits or not wanted or self._house.place(slot, now_s, Eviction.LOWER).chance > Chance.PENDING:
            account.promised_to = None
            self._house.changed(account.device)

    def _wanted(self, now_s: float) -> list[Wish]:
        preloads = [
            Wish(slot.name, Eviction.NONE, slot.since_s, FOREVER_S, "it is to be there")
            for slot in self._house.slots.values()
            if slot.spec.preload
            and slot.state in (SlotState.STOPPED, SlotState.SLEEPING)
            and not slot.rests
            and not self._wishes.has(slot.name)
        ]
        wishes = [*self._wishes.all(), *preloads]
        return sorted(wishes, key=lambda wish: (-self._house.slots[wish.worker].spec.priority, wish.asked_s))

    def _grant(self, wish: Wish, now_s: float) -> None:
        slot = self._house.slots[wish.worker]
        if slot.state is SlotState.READY:
            self._wishes.drop(wish.worker)
            return
        if slot.state in (SlotState.STARTING, SlotState.WAKING):
            return
        over = now_s >= wish.expires_s
        if self._bring_about(slot, wish, now_s, may_make_room=not over) or not over:
            return
        self._wishes.drop(wish.worker)
        text = self._why_not(slot, wish, now_s)
        self._moves.decide("wish", now_s, f"{slot.name} was wanted ({wish.why}) and did not come: {text}", slot)

    def _bring_about(self, slot: ModelSlot, wish: Wish, now_s: float, *, may_make_room: bool) -> bool:
        """Return whether the worker comes up now; where it is possible, room is made for it meanwhile."""
        if slot.held_down or slot.hopeless or now_s < slot.retry_at_s:
            return False
        if slot.state not in (SlotState.STOPPED, SlotState.SLEEPING):
            return False
        place = self._house.place(slot, now_s, wish.eviction)
        if place.device is None or place.chance > Chance.EVICT or self._would_disturb(wish, place.device, now_s):
            return False
        if place.chance is Chance.FITS:
            self._moves.bring_up(slot, place.device, now_s, wish.why)
            return True
        if may_make_room:
            self._moves.make_room(slot, place, now_s, wish.why)
        return False

    def _why_not(self, slot: ModelSlot, wish: Wish, now_s: float) -> str:
        if now_s < slot.retry_at_s and slot.last_error:
            return f"it failed: {slot.last_error}"
        if slot.state in (SlotState.STOPPED, SlotState.SLEEPING):
            return self._house.place(slot, now_s, wish.eviction).text
        return f"it is {slot.state}"

    def _would_disturb(self, wish: Wish, device: str, now_s: float) -> bool:
        """Return whether a start would slow down somebody in a hurry: a running turn outranks background work."""
        if not is_gpu(device) or now_s - wish.asked_s >= self._house.policy.calm_start_s:
            return False
        return any(slot.computes_urgently(but="") for slot in self._house.on(device))
