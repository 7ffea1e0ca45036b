"""Twenty-four hours of a household on one GPU: people who speak, others who want the card, workers that crash."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Action, Start
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.policy import SchedulerPolicy

from .clients import Clients
from .figures import WorkerFigures
from .foreign import ForeignProcess
from .household import GIB, GPU, household_figures, household_specs
from .memory import SimulatedMemory
from .shell import SimulatedShell
from .turns import Household, Turn

HOUR_S = 3600.0
SAMPLE_S = 30.0
SATELLITES = (("kitchen", "en"), ("living-room", "en"), ("bedroom", "zh"))
TURNS_PER_HOUR = (2, 1, 1, 1, 1, 2, 10, 40, 25, 10, 10, 10, 15, 12, 10, 10, 15, 30, 45, 40, 30, 25, 15, 6)
FIRST_TURN_H = 0.05
"""Nobody speaks to it while it starts for the first time."""
BURSTS_AT_H = (7.6, 18.4, 19.25, 20.5)
ANNOUNCEMENTS_AT_H = (7.0, 7.75, 9.5, 12.0, 15.0, 17.5, 18.0, 19.0, 20.25, 21.5)
CRASH_LOOP_H = (10.0, 10.5)
RESTART_AT_H = 15.6


@dataclass(slots=True)
class Visit:
    """Somebody else's program on the GPU."""

    name: str
    at_s: float
    until_s: float
    wants_bytes: int
    kept_waiting_s: float = 0.0
    """How long it found no memory although it wanted some."""


@dataclass(slots=True)
class Sample:
    """Who held what of the GPU at a moment, ours by worker."""

    at_s: float
    ours: dict[str, int]
    others: int


@dataclass(slots=True)
class DayRecord:
    """What happened."""

    seed: int
    card_bytes: int
    turns: Sequence[Turn]
    budget_bytes: int = 0
    visits: list[Visit] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    starts: list[tuple[float, str]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    """What the scenario did to the house: crashes, the restart."""
    waited_s: list[float] = field(default_factory=list)
    out_of_memory_in_use: int = 0
    events: int = 0

    def starts_of(self, worker: str) -> list[float]:
        """Return when a worker was started."""
        return [at_s for at_s, name in self.starts if name == worker]

    def most_starts_in_an_hour(self, worker: str) -> int:
        """Return how often it was started within any hour of the day."""
        most, within = 0, deque[float]()
        for at_s in self.starts_of(worker):
            within.append(at_s)
            while within[0] <= at_s - HOUR_S:
                within.popleft()
            most = max(most, len(within))
        return most

    def count(self) -> Counter[str]:
        """Return how often each kind of decision was made."""
        return Counter(decision.kind for decision in self.decisions)


class SimulatedDay:
    """Plays the day; deterministic for a seed."""

    def __init__(self, *, card_bytes: int = 24 * GIB, seed: int = 1, tick_s: float = 0.5) -> None:
        self._random = Random(seed)
        self._figures: dict[str, WorkerFigures] = household_figures()
        self._gpu = SimulatedMemory(GPU, card_bytes)
        ram = SimulatedMemory(CPU, 32 * GIB)
        ram.hold("system", 4 * GIB)
        self._gpu.hold("Xorg", int(0.4 * GIB))
        self._shell = SimulatedShell(
            household_specs(),
            SchedulerPolicy(guest_names=frozenset({"game"})),
            [self._gpu, ram],
            self._figures,
            Random(seed + 1),
            tick_s=tick_s,
            latency_s=0.02,
        )
        self._clients = Clients(self._shell)
        self._people = Household(self._shell, self._clients, self._random)
        self._shell.after = self._note
        self._record = DayRecord(seed, card_bytes, self._people.turns)

    def run(self, hours: float = 24.0) -> DayRecord:
        """Return the record of the day, or of its first hours; at midnight the appliance is started."""
        self._plan_visits()
        self._plan_people()
        self._plan_trouble()
        self._shell.begin()
        self._record.budget_bytes = self._shell.scheduler.accounts[GPU].budget_bytes
        self._sample()
        self._shell.run_for(hours * HOUR_S)
        record, workers = self._record, self._shell.workers
        record.waited_s = self._clients.waited_s
        record.out_of_memory_in_use = workers.out_of_memory_in_use
        record.events = self._shell.events
        return record

    # Plans

    def _at(self, hour: float, call: Callable[[], None]) -> None:
        self._shell.clock.after(hour * HOUR_S, call)

    def _plan_people(self) -> None:
        random = self._random
        for hour, rate in enumerate(TURNS_PER_HOUR):
            at_h = hour + random.expovariate(rate)
            while at_h < hour + 1:
                if at_h > FIRST_TURN_H:
                    self._at(at_h, partial(self._people.speak, *random.choice(SATELLITES)))
                at_h += random.expovariate(rate)
        for burst_h in BURSTS_AT_H:
            for _ in range(5):
                at_h = burst_h + random.random() / HOUR_S
                self._at(at_h, partial(self._people.speak, *random.choice(SATELLITES)))
        for at_h in ANNOUNCEMENTS_AT_H:
            self._at(at_h, partial(self._people.announce, "living-room", "en"))

    def _plan_visits(self) -> None:
        random = self._random
        self._visit("game", 20.0, 2.0, 12.0)
        self._visit("python", 2.0, 3.0, 14.0)  # a training run at night, which becomes a guest by its size
        self._visit("python", 13.5, 1.25, 9.0)  # another one by day, which does not
        for hour in (0.5, 6.5, 8.2, 9.1, 11.0, 12.4, 14.0, 16.2, 17.3, 18.5, 19.1, 20.7, 22.3, 23.1):
            self._visit("ffmpeg", hour + 0.2 * random.random(), random.uniform(0.1, 0.7), 2.0)

    def _visit(self, name: str, at_h: float, hours: float, gib: float) -> None:
        visit = Visit(name, at_h * HOUR_S, (at_h + hours) * HOUR_S, int(gib * GIB))
        self._record.visits.append(visit)
        process = ForeignProcess(self._shell.clock, self._gpu, name, visit.wants_bytes)

        def leave() -> None:
            visit.kept_waiting_s = process.kept_waiting_s
            process.leave()

        self._at(at_h, process.arrive)
        self._at(at_h + hours, leave)

    def _plan_trouble(self) -> None:
        def loop() -> None:
            self._figures["f5"].odds = {"crash-at-start": 1.0}
            self._crash("f5", "f5 crashes again and again")

        def mend() -> None:
            self._figures["f5"].odds = {}

        self._at(CRASH_LOOP_H[0], loop)
        self._at(CRASH_LOOP_H[1], mend)
        self._at(8.05, lambda: self._crash("asr"))
        self._at(17.9, lambda: self._crash("llm"))
        self._at(RESTART_AT_H, self._restart)

    def _crash(self, worker: str, what: str = "") -> None:
        self._record.marks.append((self._shell.clock.now_s, what or f"{worker} crashes"))
        self._shell.workers.crash(worker)

    def _restart(self) -> None:
        self._record.marks.append((self._shell.clock.now_s, "coordinator restarts"))
        self._shell.restart()
        self._clients.reconnect()

    # Notes

    def _note(self, event: ev.Event, actions: Sequence[Action], decisions: Sequence[Decision]) -> None:
        for action in actions:
            if isinstance(action, Start):
                self._record.starts.append((self._shell.clock.now_s, action.worker))
        self._record.decisions += decisions

    def _sample(self) -> None:
        ours: dict[str, int] = {}
        others = 0
        for holder, size in self._gpu.held.items():
            worker, is_ours, _ = holder.partition("#")
            if is_ours:
                ours[worker] = ours.get(worker, 0) + size
            else:
                others += size
        self._record.samples.append(Sample(self._shell.clock.now_s, ours, others))
        self._shell.clock.after(SAMPLE_S, self._sample)
