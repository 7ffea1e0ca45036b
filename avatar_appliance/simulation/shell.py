"""The scheduler in the simulated world: what the coordinator's asyncio shell does for it on a real machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Action, Deny, Grant, Revoke, Sleep, Start, Stop, Wake, WatchMemory
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.device import CPU, DeviceId
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.worker_spec import WorkerSpec

from .clock import Timer, VirtualClock
from .figures import WorkerFigures
from .memory import SimulatedMemory
from .workers import SimulatedWorkers

Answer = Grant | Deny | Revoke


class SimulatedShell:
    """Hands events to the scheduler, carries its actions out, looks at the devices every `tick_s`.

    `latency_s` is how late the end of slow work may be heard, at most: meanwhile the scheduler may have wanted
    something else. Devices that did not change since the last look are not looked at again.
    """

    def __init__(
        self,
        specs: Sequence[WorkerSpec],
        policy: SchedulerPolicy,
        memory: Sequence[SimulatedMemory],
        figures: Mapping[str, WorkerFigures],
        random: Random,
        *,
        tick_s: float = 0.5,
        latency_s: float = 0.0,
    ) -> None:
        self.clock = VirtualClock()
        self.memory: dict[DeviceId, SimulatedMemory] = {one.device: one for one in memory}
        self.workers = SimulatedWorkers(self.clock, self.memory, figures, self._hear, random)
        self.scheduler = Scheduler(specs, policy)
        self.events = 0
        """How many the scheduler has dealt with."""
        self.before: Callable[[ev.Event], None] = lambda _: None
        """Called before the scheduler deals with an event."""
        self.after: Callable[[ev.Event, Sequence[Action], Sequence[Decision]], None] = lambda *_: None
        """Called when it has, before anything is carried out."""
        self.answered: Callable[[Answer], None] = lambda _: None
        self._specs = specs
        self._policy = policy
        self._random = random
        self._tick_s = tick_s
        self._latency_s = latency_s
        self._queue: deque[ev.Event] = deque()
        self._handling = False
        self._timer: Timer | None = None
        self._seen: dict[DeviceId, tuple[int, int]] = {}
        self._heard_s: dict[str, float] = {}
        self._era = 0

    def begin(self) -> None:
        """Let the control plane come up: it looks at the devices for the first time."""
        self._tick(self._era)

    def submit(self, *events: ev.Event) -> None:
        """Have the scheduler deal with events now, or after the one it is dealing with; nothing comes between them."""
        self._queue += events
        if self._handling:
            return
        self._handling = True
        try:
            while self._queue:
                self._deal_with(self._queue.popleft())
        finally:
            self._handling = False
        self._set_timer()

    def run_for(self, duration_s: float) -> None:
        """Let time pass."""
        self.clock.run_until(self.clock.now_s + duration_s)

    def restart(self, born: Callable[[Scheduler], None] = lambda _: None) -> None:
        """Let the control plane die and come back: a new scheduler, told to `born`, finds the workers that are up."""
        self._era += 1
        self._queue.clear()
        self._seen.clear()
        self.workers.settle()
        self.scheduler = Scheduler(self._specs, self._policy)
        born(self.scheduler)
        for worker, device, asleep in self.workers.up():
            visible = self.memory[device].pids_visible
            rest = self.workers.held_bytes(worker, device) if visible else None
            self.submit(ev.Adopted(worker, device, asleep, rest))
        self._tick(self._era)

    def lose(self, device: DeviceId) -> None:
        """Let a device be unreadable until the next look."""
        self._seen.pop(device, None)
        self.submit(ev.DeviceLost(device))

    def look(self) -> None:
        """Read the devices and tell the scheduler what changed."""
        self.submit(*self._seen_now())

    def _seen_now(self) -> list[ev.Event]:
        holders = self.workers.holders()
        seen: list[ev.DeviceSeen] = []
        for memory in self.memory.values():
            account = self.scheduler.accounts.get(memory.device)
            charges = account.charges if account is not None else {}
            states = tuple((name, size, self.scheduler.slots[name].state) for name, size in charges.items())
            version = (memory.version, hash(states))
            if self._seen.get(memory.device) == version:
                continue
            self._seen[memory.device] = version
            visible = memory.pids_visible or memory.device == CPU
            own: dict[str, int | None] = {}
            for holder, worker in holders.items():
                if worker in charges:
                    own[worker] = memory.held.get(holder, 0) if visible else None
            names = frozenset(name for name in memory.held if "#" not in name) if visible else frozenset[str]()
            seen.append(
                ev.DeviceSeen(
                    device=memory.device,
                    usable_bytes=memory.total_bytes,
                    used_bytes=memory.used_bytes,
                    own_bytes=own,
                    foreign_names=names,
                )
            )
        return [ev.DevicesSeen(tuple(seen))] if seen else []

    def _tick(self, era: int) -> None:
        if era != self._era:
            return
        self.look()
        self.submit(ev.Tick())
        self.clock.after(self._tick_s, lambda: self._tick(era))

    def _hear(self, event: ev.Event) -> None:
        """Take what a worker has to tell, perhaps late, in the order in which each of them tells it."""
        if not self._latency_s:
            self._take_in(event)
            return
        era, worker = self._era, getattr(event, "worker", "")
        at_s = self.clock.now_s + self._random.random() * self._latency_s
        at_s = self._heard_s[worker] = max(at_s, self._heard_s.get(worker, 0.0))
        self.clock.after(at_s - self.clock.now_s, lambda: self._take_in(event) if era == self._era else None)

    def _take_in(self, event: ev.Event) -> None:
        """A move ended: memory has changed, so look before and after, as the shell does."""
        self.submit(*self._seen_now(), event)
        self.look()

    def _deal_with(self, event: ev.Event) -> None:
        self.events += 1
        self.before(event)
        actions = self.scheduler.handle(event, self.clock.now_s)
        self.after(event, actions, self.scheduler.take_decisions())
        for action in actions:
            self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Grant() | Deny() | Revoke():
                self.answered(action)
            case Start(worker, device, _):
                self.workers.start(worker, device)
            case Stop(worker):
                self.workers.stop(worker)
            case WatchMemory(worker, device):
                self.workers.watch(worker, device)
            case Sleep(worker):
                self.workers.sleep(worker)
            case Wake(worker):
                self.workers.wake(worker)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_s = self.scheduler.next_look_s(self.clock.now_s)
        if next_s is not None:
            self._timer = self.clock.after(next_s - self.clock.now_s, lambda: self.submit(ev.Tick()))
