"""How long the scheduler takes to decide: 50 workers on 8 full GPUs, 32 requests waiting all the time.

    python benchmarks/scheduler_decisions.py --output benchmarks/results/scheduler-decisions.json

The workers want twice the memory there is, so that nearly every request means looking for victims; starts, stops,
sleeps, crashes and strangers go on meanwhile, on a virtual clock. Only `Scheduler.handle` is timed. The same events are
played --repeats times, and the least time of each counts: what else goes on on the machine is no property of the
scheduler. Exit code 1 where the p99 of all events together is above --limit-ms.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Action, Deny, Grant, Revoke
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.lease_request import LeaseRequest
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency
from avatar_appliance.simulation.figures import WorkerFigures
from avatar_appliance.simulation.foreign import ForeignProcess
from avatar_appliance.simulation.memory import SimulatedMemory
from avatar_appliance.simulation.shell import SimulatedShell

GIB = 2**30
GPUS, WORKERS, WAITING = 8, 50, 32


class FullHouse:
    """Eight GPUs and fifty workers that want them."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        gpus = tuple(f"cuda:{n}" for n in range(GPUS))
        self.specs = [
            WorkerSpec(
                name=f"worker-{n}",
                role="tts",
                devices=gpus,
                rest_bytes=int(random.uniform(3, 9) * GIB),
                peak_bytes=int(10 * GIB),
                host_bytes=GIB,
                start_s=random.uniform(2, 20),
                priority=random.choice((10, 50, 50, 90)),
                keep_alive_s=random.choice((None, 120.0)),
                preload=n % 5 == 0,
                can_sleep=n % 3 == 0,
                sleep_bytes=GIB if n % 3 == 0 else 0,
            )
            for n in range(WORKERS)
        ]
        figures = {
            spec.name: WorkerFigures(
                rest_bytes=spec.rest_bytes,
                peak_bytes=spec.peak_bytes,
                sleep_bytes=spec.sleep_bytes,
                host_bytes=spec.host_bytes,
                start_s=spec.start_s,
                odds={"crash-in-use": 0.01, "crash-at-start": 0.02},
            )
            for spec in self.specs
        }
        memory = [SimulatedMemory(gpu, 24 * GIB) for gpu in gpus] + [SimulatedMemory(CPU, 256 * GIB)]
        policy = SchedulerPolicy(min_residency_s=5.0, most_waiting=WAITING)
        self.shell = SimulatedShell(self.specs, policy, memory, figures, Random(seed), latency_s=0.05)
        self.shell.answered = self._answered
        self.times_ns: list[tuple[str, int]] = []
        self.actions: dict[str, int] = defaultdict(int)
        self._handle = self.shell.scheduler.handle
        self.shell.scheduler.handle = self._timed  # type: ignore[method-assign]
        self._asked = 0
        self.shell.begin()
        self._strangers = [ForeignProcess(self.shell.clock, memory[n], f"job-{n}", 4 * GIB) for n in (0, 3, 5)]

    def play(self, events: int) -> None:
        """Go on until so many events were timed."""
        while len(self.times_ns) < events:
            while len(self.shell.scheduler.waiting()) < WAITING:
                self._ask()
            self._ask()  # one more than there is room for, unless it is granted at once
            self.shell.run_for(self.random.random() * 0.2)
            if self.random.random() < 0.02:
                stranger = self.random.choice(self._strangers)
                if stranger.here:
                    stranger.leave()
                else:
                    stranger.arrive()

    def _ask(self) -> None:
        self._asked += 1
        self.shell.submit(
            ev.Requested(
                LeaseRequest(
                    lease_id=f"lease-{self._asked}",
                    ladder=tuple(spec.name for spec in self.random.sample(self.specs, 3)),
                    urgency=self.random.choice(list(Urgency)),
                    deadline_s=self.shell.clock.now_s + 30.0,
                    client="bench",
                )
            )
        )

    def _timed(self, event: ev.Event, now_s: float) -> list[Action]:
        full = len(self.shell.scheduler.waiting()) >= WAITING - 1
        began_ns = time.perf_counter_ns()
        actions = self._handle(event, now_s)
        took_ns = time.perf_counter_ns() - began_ns
        if full:
            self.times_ns.append((type(event).__name__, took_ns))
            for action in actions:
                self.actions[type(action).__name__] += 1
        return actions

    def _answered(self, answer: Grant | Deny | Revoke) -> None:
        if isinstance(answer, Grant):
            self.shell.workers.use(answer.worker)
            lease_id = answer.lease_id
            self.shell.clock.after(self.random.uniform(0.5, 4), lambda: self.shell.submit(ev.Released(lease_id)))


def percentile_ms(times_ns: Sequence[int], share: float) -> float:
    ordered = sorted(times_ns)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6, 4)


def summary(times_ns: Sequence[int]) -> dict[str, float | int]:
    return {
        "events": len(times_ns),
        "p50_ms": percentile_ms(times_ns, 0.5),
        "p99_ms": percentile_ms(times_ns, 0.99),
        "max_ms": percentile_ms(times_ns, 1.0),
    }


def play(events: int, seed: int) -> FullHouse:
    """Return a house in which so many events were timed."""
    house = FullHouse(seed)
    house.shell.run_for(60.0)
    house.times_ns.clear()
    house.actions.clear()
    gc.collect()
    gc.freeze()  # the simulated world is large, and no part of what is measured
    house.play(events)
    gc.unfreeze()
    return house


def measure(events: int, seed: int, repeats: int) -> dict[str, Any]:
    """Return the report."""
    houses = [play(events, seed) for _ in range(repeats)]
    kinds = [[kind for kind, _ in house.times_ns] for house in houses]
    assert all(each == kinds[0] for each in kinds), "the same seed, and not the same events"
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, *times_ns in zip(
        kinds[0], *([took_ns for _, took_ns in house.times_ns] for house in houses), strict=True
    ):
        by_kind[kind].append(min(times_ns))
    return {
        "setup": {"workers": WORKERS, "gpus": GPUS, "waiting": WAITING, "seed": seed, "repeats": repeats},
        "machine": {"processor": platform.processor() or platform.machine(), "python": platform.python_version()},
        "all": summary([took_ns for times_ns in by_kind.values() for took_ns in times_ns]),
        "by_event": {kind: summary(times_ns) for kind, times_ns in sorted(by_kind.items())},
        "actions": dict(sorted(houses[0].actions.items())),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit-ms", type=float, default=1.0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    report = measure(options.events, options.seed, options.repeats)
    text = json.dumps(report, indent=2)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    return int(report["all"]["p99_ms"] > options.limit_ms)


if __name__ == "__main__":
    sys.exit(main())
