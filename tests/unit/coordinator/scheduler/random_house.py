"""A random house and what befalls it, all from one seed: the traffic of the property tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Action, Deny, Grant, Revoke
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.lease_request import LeaseRequest
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.slot import BUSY_STATES
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency
from avatar_appliance.simulation.figures import Mishap, WorkerFigures
from avatar_appliance.simulation.foreign import ForeignProcess
from avatar_appliance.simulation.memory import SimulatedMemory
from avatar_appliance.simulation.shell import SimulatedShell

from .witness import GONE, TICK_S, Witness

GIB = 2**30
MOST_STARTS = 5
"""In ten minutes of rest: only preloading tries again what failed."""
LONGEST_MOVE_S = 30.0 * 2.0 * 1.3 + 1.0
"""The longest start there is."""
MISHAPS: dict[Mishap, float] = {
    "crash-at-start": 0.1,
    "hang-at-start": 0.02,
    "config": 0.01,
    "crash-in-use": 0.05,
    "crash-asleep": 0.1,
    "will-not-sleep": 0.1,
    "will-not-wake": 0.1,
    "will-not-die": 0.05,
    "leaves-residue": 0.05,
}


class RandomHouse:
    """Devices, workers and policy drawn from a seed, a world around them, a witness beside them."""

    def __init__(self, seed: int, *, swapped: bool = False) -> None:
        self.random = random = Random(seed)
        self._hold_s: dict[str, float] = {}
        self._count = 0
        self._strangers: list[ForeignProcess] = []
        self.swapped = swapped
        """Whether two events of the same moment come in the other order."""
        self.gpus = [f"cuda:{n}" for n in range(random.choice((1, 1, 2, 3)))]
        visible = random.random() < 0.7
        memory = [
            SimulatedMemory(gpu, int(random.choice((8, 12, 16, 24, 24)) * GIB), pids_visible=visible)
            for gpu in self.gpus
        ]
        memory.append(SimulatedMemory(CPU, random.choice((12, 32, 64)) * GIB))
        self.specs = [self._spec(f"w{n}") for n in range(random.randint(2, 7))]
        self.specs += [WorkerSpec(name="far", role="llm", external=True, keep_alive_s=10, max_leases=2)]
        self.figures = {spec.name: self._figures(spec) for spec in self.specs if not spec.external}
        self.policy = SchedulerPolicy(
            min_residency_s=random.choice((0.0, 5.0, 20.0)),
            better_rung_patience_s=random.choice((0.0, 1.2)),
            most_waiting=random.choice((3, 32)),
            redeclare_grace_s=random.choice((1.0, 5.0)),
            wish_ttl_s=random.choice((10.0, 60.0)),
            guest_names=frozenset({"game"}),
        )
        self.shell = SimulatedShell(
            self.specs,
            self.policy,
            memory,
            self.figures,
            Random(seed + 1),
            tick_s=random.choice((0.5, TICK_S)),
            latency_s=random.choice((0.0, 0.2)),
        )
        self.witness = Witness(self.shell.scheduler)
        self.shell.before = self._before
        self.shell.after = self._after
        self.shell.answered = self._answered
        self.shell.begin()

    @property
    def events(self) -> int:
        """How many events the schedulers of this house have dealt with."""
        return self.shell.events

    # What happens

    def play(self, events: int) -> None:
        """Let random things happen until the scheduler has dealt with so many more events."""
        until = self.shell.events + events
        while self.shell.events < until:
            self.step()

    def step(self) -> None:
        """Let one random thing happen, or two at the same moment, and some time pass."""
        things = [self._thing(), self._thing()] if self.random.random() < 0.3 else [self._thing()]
        if self.swapped:
            things.reverse()
        for thing in things:
            thing()
        longest_s = self.random.choices((0.0, 0.05, 0.3, 1.0, 5.0, 60.0), weights=(30, 20, 20, 20, 8, 2))[0]
        self.pass_time(longest_s * self.random.random())

    def pass_time(self, duration_s: float) -> None:
        """Let time pass."""
        self.shell.run_for(duration_s)

    def _thing(self) -> Callable[[], None]:
        things: tuple[tuple[Callable[[], None], int], ...] = (
            (self.request, 50),
            (self.cancel, 8),
            (self.release, 8),
            (self.change_urgency, 5),
            (self.stranger_comes, 4),
            (self.stranger_leaves, 4),
            (self.crash, 2),
            (self.person, 5),
            (self.guest, 1),
            (self.stray, 10),
            (self.lose_device, 1),
            (self.restart, 1),
        )
        thing: Callable[[], None] = self.random.choices(
            [thing for thing, _ in things], weights=[weight for _, weight in things]
        )[0]
        return thing

    def request(self) -> None:
        """Somebody asks for a worker."""
        random, names = self.random, [*self.shell.scheduler.slots, "nobody"]
        self._count += 1
        lease_id = f"lease-{self._count}"
        ladder = tuple(random.sample(names, random.randint(1, min(3, len(names)))))
        wait_s = random.choice((0.0, 0.5, 2.0, 2.0, 5.0))
        self._hold_s[lease_id] = random.choice((0.1, 1.0, 3.0, 10.0)) * random.random()
        self.shell.submit(
            ev.Requested(
                LeaseRequest(
                    lease_id=lease_id,
                    ladder=ladder,
                    urgency=random.choice(list(Urgency)),
                    deadline_s=self.shell.clock.now_s + wait_s,
                    warm=tuple(random.sample(names, 1)) if random.random() < 0.2 else (),
                    client="test",
                )
            )
        )

    def cancel(self) -> None:
        """Somebody who waits hangs up."""
        if self.witness.waiting:
            self.shell.submit(ev.Cancelled(self.random.choice(list(self.witness.waiting))))

    def release(self) -> None:
        """A lease ends early."""
        if self.witness.held:
            self._end(self.random.choice(list(self.witness.held)))

    def change_urgency(self) -> None:
        """A lease computes with other urgency."""
        if self.witness.held:
            lease_id = self.random.choice(list(self.witness.held))
            self.shell.submit(ev.UrgencyChanged(lease_id, self.random.choice(list(Urgency))))

    def stranger_comes(self) -> None:
        """Somebody else's process wants memory."""
        memory = self.shell.memory[self.random.choice([*self.gpus, CPU])]
        name = self.random.choice(("game", "ffmpeg", "python", f"job-{len(self._strangers)}"))
        if len(self._strangers) < 4 and name not in memory.held:
            wants = int(memory.total_bytes * self.random.choice((0.05, 0.2, 0.6)) * self.random.random())
            stranger = ForeignProcess(self.shell.clock, memory, name, wants)
            self._strangers.append(stranger)
            stranger.arrive()

    def stranger_leaves(self) -> None:
        """Somebody else's process ends."""
        if self._strangers:
            self._strangers.pop(self.random.randrange(len(self._strangers))).leave()

    def crash(self) -> None:
        """A worker ends by itself."""
        self.shell.workers.crash(self.random.choice(list(self.figures)))

    def person(self) -> None:
        """Somebody steers by hand."""
        random, worker = self.random, self.random.choice([spec.name for spec in self.specs])
        event: ev.Event = random.choice(
            (
                ev.StartWanted(worker, random.choice(list(Eviction))),
                ev.StartWanted(worker),
                ev.StopWanted(worker, force=random.random() < 0.3),
                ev.SleepWanted(worker),
                ev.PinChanged(worker, pinned=random.random() < 0.5),
            )
        )
        self.shell.submit(event)

    def guest(self) -> None:
        """Somebody switches guest mode."""
        until_s = self.random.choice((None, self.shell.clock.now_s + 20.0))
        self.shell.submit(ev.GuestModeChanged(self.random.choice(("on", "off", "auto", "auto")), until_s))

    def lose_device(self) -> None:
        """A device cannot be read for a while."""
        self.shell.lose(self.random.choice([*self.gpus, "cuda:9"]))

    def restart(self) -> None:
        """The control plane dies and comes back; some of those who hold leases say so."""
        held = dict(self.witness.held)
        old = self.shell.scheduler
        self.shell.restart(lambda scheduler: setattr(self, "witness", Witness(scheduler)))
        assert self.shell.scheduler is not old
        for lease_id, worker in held.items():
            if self.random.random() < 0.7:
                declared = ev.Declared(lease_id, worker, Urgency.FIRST, "test")
                delay_s = self.random.random() * self.policy.redeclare_grace_s
                self.shell.clock.after(delay_s, lambda event=declared: self.shell.submit(event))
                self.shell.clock.after(delay_s + 2, lambda lease_id=lease_id: self._end(lease_id))

    def stray(self) -> None:
        """Something comes too late, twice, or from nowhere: it must change nothing."""
        random = self.random
        worker = random.choice([spec.name for spec in self.specs] * 3 + ["nobody"])
        slot = self.shell.scheduler.slots.get(worker)
        state, gone = (slot.state, slot.process_gone) if slot is not None else (SlotState.STOPPED, False)
        events: list[ev.Event] = [
            ev.Released(random.choice(("nobody", f"lease-{max(1, self._count - 30)}"))),
            ev.Cancelled("nobody"),
            ev.UrgencyChanged("nobody", Urgency.FINAL),
            ev.Declared(f"stray-{self._count}", "nobody", Urgency.IDLE),
        ]
        if self.witness.held:
            events += [ev.Declared(random.choice(list(self.witness.held)), worker, Urgency.IDLE)]
        if state is not SlotState.STARTING:
            events += [ev.Started(worker, GIB, GIB, 1.0), ev.StartFailed(worker, "out-of-memory")]
        if state in (*GONE, SlotState.STOPPING, SlotState.STARTING):
            events += [ev.Exited(worker)]
        if state is not SlotState.STOPPING or gone:
            events += [ev.Stopped(worker)]
        if state is not SlotState.STOPPING or not gone:
            events += [ev.MemoryReturned(worker, random.choice((0, GIB)))]
        if state is not SlotState.FALLING_ASLEEP:
            events += [ev.FellAsleep(worker, GIB), ev.SleepFailed(worker)]
        if state is not SlotState.WAKING:
            events += [ev.Woke(worker), ev.WakeFailed(worker, "crashed")]
        if state is not SlotState.STOPPED or worker == "nobody":
            events += [ev.Adopted(worker, "cuda:0", rest_bytes=GIB)]
        if worker == "nobody":
            events += [ev.StartWanted(worker), ev.StopWanted(worker), ev.PinChanged(worker, pinned=True)]
        if random.random() < 0.05:
            events = [
                ev.DeviceSeen(device="cuda:9", usable_bytes=GIB, used_bytes=0, own_bytes={"nobody": 1, worker: 0})
            ]
        self.shell.submit(random.choice(events))

    # Rest

    def come_to_rest(self) -> None:
        """End all traffic and let enough time pass; raises AssertionError where anything is stuck."""
        for lease_id in list(self.witness.waiting):
            self.shell.submit(ev.Cancelled(lease_id))
        for lease_id in list(self.witness.held):
            self._end(lease_id)
        while self._strangers:
            self._strangers.pop().leave()
        for figures in self.figures.values():
            figures.odds = {}
        self.shell.submit(ev.GuestModeChanged("auto"))
        self.pass_time(600.0)
        starts = dict(self.shell.workers.starts)
        self.pass_time(600.0)
        for name, count in self.shell.workers.starts.items():
            assert count - starts[name] <= MOST_STARTS, f"{name} comes and goes: {count - starts[name]} starts"
        scheduler, world = self.shell.scheduler, self.shell.workers
        assert not self.witness.waiting
        assert not self.witness.held
        assert not scheduler._room._holders
        assert not scheduler._wishes.all()
        for name, figures in self.figures.items():
            slot = scheduler.slots[name]
            at_rest = (SlotState.STOPPED, SlotState.READY, SlotState.SLEEPING)
            now_s = self.shell.clock.now_s
            given_up = slot.state is SlotState.FAILED and (slot.hopeless or slot.retry_at_s > now_s)
            # Preloading tries again what failed, ever more rarely: that may be at this very moment.
            trying = slot.spec.preload and slot.state in BUSY_STATES and now_s - slot.since_s < LONGEST_MOVE_S
            assert slot.state in at_rest or given_up or trying, f"{name} is stuck: {slot.state}"
            if not trying:
                assert world.living(name) == (slot.state in (SlotState.READY, SlotState.SLEEPING))
            if slot.device is not None and not trying:
                charged = scheduler.accounts[slot.device].charges.get(name, 0)
                held = world.held_bytes(name, slot.device)
                if self.shell.memory[slot.device].pids_visible:
                    expected = slot.growth_bytes if slot.state is SlotState.READY else 0
                    assert held <= charged <= held + expected, f"{name} is charged {charged} and holds {held}"
                assert slot.spec.can_sleep or slot.state is SlotState.READY, figures
        for device, account in scheduler.accounts.items():
            assert account.promised_to is None
            leaving = sum(scheduler._house.leaving_bytes(slot, device) for slot in scheduler.slots.values())
            assert account.free_bytes + leaving >= 0 or device == "cuda:9" or self._all_needed(device)

    def _all_needed(self, device: str) -> bool:
        """Whether nobody there may be sent away."""
        scheduler = self.shell.scheduler
        return all(slot.pinned for slot in scheduler.slots.values() if slot.name in scheduler.accounts[device].charges)

    # Wiring

    def _before(self, event: ev.Event) -> None:
        self.witness.before(event)

    def _after(self, event: ev.Event, actions: Sequence[Action], decisions: Sequence[Decision]) -> None:
        self.witness.after(event, actions, decisions, self.shell.clock.now_s)

    def _answered(self, answer: Grant | Deny | Revoke) -> None:
        if isinstance(answer, Grant):
            if answer.worker in self.figures:
                self.shell.workers.use(answer.worker)
            hold_s = self._hold_s.pop(answer.lease_id)
            self.shell.clock.after(hold_s, lambda: self._end(answer.lease_id))

    def _end(self, lease_id: str) -> None:
        if lease_id in self.witness.held:
            self.shell.submit(ev.Released(lease_id))

    # What there is

    def _spec(self, name: str) -> WorkerSpec:
        random = self.random
        rest = int(random.choice((0.3, 1.0, 2.5, 5.0, 9.0)) * random.uniform(0.7, 1.3) * GIB)
        where = random.choice(("gpu", "gpu", "gpu", "any", "cpu"))
        devices = tuple(self.gpus) if where != "cpu" else ()
        if where in ("any", "cpu"):
            devices = (*devices, CPU)
        blind = random.random() < 0.05  # nobody has said how large it is
        can_sleep = where == "gpu" and random.random() < 0.5
        return WorkerSpec(
            name=name,
            role=random.choice(("asr", "tts", "llm")),
            devices=devices,
            rest_bytes=0 if blind else rest,
            peak_bytes=0 if blind else int(rest * random.uniform(1.0, 1.3)),
            host_bytes=0 if where == "cpu" or blind else int(random.choice((0.0, 0.5, 2.0)) * GIB),
            start_s=random.choice((0.5, 2.0, 8.0, 30.0)),
            priority=random.choice((10, 50, 50, 90)),
            keep_alive_s=random.choice((None, None, 5.0, 60.0)),
            pinned=random.random() < 0.1,
            preload=random.random() < 0.3,
            max_leases=random.choice((1, 2, 8)),
            can_sleep=can_sleep,
            sleep_bytes=int(0.1 * rest) if can_sleep else 0,
        )

    def _figures(self, spec: WorkerSpec) -> WorkerFigures:
        random = self.random
        rest = int((spec.rest_bytes or GIB) * random.choice((1.0, 1.0, 0.8, 1.2, 1.5)))
        return WorkerFigures(
            rest_bytes=rest,
            peak_bytes=int(rest * random.uniform(1.0, 1.4)),
            growth_bytes=int(random.choice((0.0, 0.0, 0.1, 0.5)) * GIB),
            sleep_bytes=int(rest * random.uniform(0.05, 0.2)),
            host_bytes=int(spec.host_bytes * random.choice((1.0, 1.0, 1.5))),
            start_s=spec.start_s * random.uniform(0.5, 2.0),
            stop_s=random.choice((0.2, 1.0, 3.0)),
            first_sleep_s=random.choice((0.15, 5.0)),
            sleep_s=random.choice((0.15, 1.0)),
            wake_s=random.choice((0.2, 0.5, 2.0)),
            return_lag_s=random.choice((0.0, 0.1, 2.0, 8.0)),
            odds=MISHAPS if random.random() < 0.5 else {},
        )
