"""The world the scheduler is tried in behaves like one: memory is finite, work takes time, processes die."""

from __future__ import annotations

from random import Random

import pytest

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.simulation.clock import VirtualClock
from avatar_appliance.simulation.figures import Mishap, WorkerFigures
from avatar_appliance.simulation.foreign import ForeignProcess
from avatar_appliance.simulation.memory import SimulatedMemory
from avatar_appliance.simulation.workers import ProtocolBroken, SimulatedWorkers

GIB = 2**30
GPU = "cuda:0"


class World:
    def __init__(self, **figures: object) -> None:
        self.clock = VirtualClock()
        self.gpu, self.ram = SimulatedMemory(GPU, 24 * GIB), SimulatedMemory(CPU, 32 * GIB)
        fields: dict[str, object] = {"rest_bytes": 8 * GIB, "peak_bytes": 9 * GIB, "start_s": 10.0, **figures}
        self.figures = WorkerFigures(**fields)  # type: ignore[arg-type]
        self.told: list[ev.Event] = []
        memory = {GPU: self.gpu, CPU: self.ram}
        self.workers = SimulatedWorkers(self.clock, memory, {"llm": self.figures}, self.told.append, Random(1))

    def up(self) -> None:
        self.workers.start("llm", GPU)
        self.clock.run_until(self.clock.now_s + 20)
        self.told.clear()


def test_the_clock_calls_in_the_order_of_time_and_not_what_was_cancelled() -> None:
    clock, called = VirtualClock(), []
    clock.after(2, lambda: called.append("second"))
    clock.after(1, lambda: clock.after(0.5, lambda: called.append("first")))
    clock.after(1.7, lambda: called.append("never")).cancel()
    clock.run_until(3)
    assert called == ["first", "second"]
    assert clock.now_s == 3


def test_what_is_not_free_is_not_had() -> None:
    memory = SimulatedMemory(GPU, 10)
    assert memory.hold("a", 8)
    assert not memory.hold("b", 3)
    assert memory.hold("a", 5)
    assert memory.hold("b", 5)
    memory.release("a")
    assert (memory.used_bytes, memory.free_bytes, memory.held) == (5, 5, {"b": 5})


def test_a_start_takes_time_peaks_and_says_what_it_took() -> None:
    world = World()
    world.workers.start("llm", GPU)
    world.clock.run_until(1.0)
    most = 0
    while not world.told:
        world.clock.run_until(world.clock.now_s + 0.1)
        most = max(most, world.gpu.used_bytes)
    (started,) = world.told
    assert isinstance(started, ev.Started)
    assert (started.rest_bytes, started.peak_bytes, most) == (8 * GIB, 9 * GIB, 9 * GIB)
    assert 8 <= world.clock.now_s <= 13.1


def test_a_start_that_finds_no_memory_says_so_and_gives_back_what_it_had() -> None:
    world = World()
    world.gpu.hold("game", 18 * GIB)
    world.workers.start("llm", GPU)
    world.clock.run_until(20)
    assert world.told == [ev.StartFailed("llm", "out-of-memory")]
    assert world.gpu.used_bytes == 18 * GIB


@pytest.mark.parametrize(
    ("mishap", "failure"),
    [("crash-at-start", "crashed"), ("hang-at-start", "timeout"), ("config", "config")],
)
def test_starts_go_wrong(mishap: Mishap, failure: str) -> None:
    world = World(odds={mishap: 1.0})
    world.workers.start("llm", GPU)
    world.clock.run_until(200)
    assert [event.failure for event in world.told if isinstance(event, ev.StartFailed)] == [failure]
    assert not world.workers.living("llm")


def test_a_stop_interrupts_a_start_whose_end_is_never_heard() -> None:
    world = World()
    world.workers.start("llm", GPU)
    world.clock.run_until(5)
    world.workers.stop("llm")
    world.clock.run_until(60)
    assert world.told == [ev.Stopped("llm")]
    assert world.gpu.used_bytes == 0


def test_memory_is_back_a_moment_after_the_end_or_is_called_residue() -> None:
    world = World(return_lag_s=30.0)
    world.up()
    world.workers.stop("llm")
    world.clock.run_until(world.clock.now_s + 1)
    world.workers.watch("llm", GPU)
    world.clock.run_until(world.clock.now_s + 6)
    assert world.told == [ev.Stopped("llm"), ev.MemoryReturned("llm", 8 * GIB)]


def test_sleep_takes_the_memory_to_ram_and_waking_brings_it_back() -> None:
    world = World(sleep_bytes=GIB, host_bytes=2 * GIB)
    world.up()
    world.workers.sleep("llm")
    world.clock.run_until(world.clock.now_s + 1)
    assert (world.gpu.used_bytes, world.ram.used_bytes) == (GIB, 10 * GIB)
    world.workers.wake("llm")
    world.clock.run_until(world.clock.now_s + 1)
    assert (world.gpu.used_bytes, world.ram.used_bytes) == (8 * GIB, 2 * GIB)
    assert world.told == [ev.FellAsleep("llm", GIB), ev.Woke("llm")]


def test_a_waking_without_room_leaves_it_asleep() -> None:
    world = World(sleep_bytes=GIB)
    world.up()
    world.workers.sleep("llm")
    world.clock.run_until(world.clock.now_s + 1)
    world.gpu.hold("game", 20 * GIB)
    world.workers.wake("llm")
    world.clock.run_until(world.clock.now_s + 1)
    assert world.told[-1] == ev.WakeFailed("llm", "out-of-memory")
    assert world.gpu.used_bytes == 21 * GIB


def test_who_dies_while_it_falls_asleep_ends_that_move_too() -> None:
    world = World(first_sleep_s=5.0)
    world.up()
    world.workers.sleep("llm")
    world.workers.crash("llm")
    assert world.told == [ev.Exited("llm"), ev.SleepFailed("llm")]


def test_use_makes_it_grow_or_fail() -> None:
    world = World(growth_bytes=GIB)
    world.up()
    assert world.workers.use("llm")
    assert world.gpu.used_bytes == 9 * GIB
    other = World(growth_bytes=GIB)
    other.up()
    other.gpu.hold("game", 16 * GIB)
    assert not other.workers.use("llm")
    assert other.workers.out_of_memory_in_use == 1


def test_what_no_launcher_could_do_is_refused() -> None:
    world = World()
    world.workers.start("llm", GPU)
    for nonsense in (
        lambda: world.workers.start("llm", GPU),
        lambda: world.workers.sleep("llm"),
        lambda: world.workers.wake("llm"),
        lambda: world.workers.watch("llm", GPU),
    ):
        with pytest.raises(ProtocolBroken):
            nonsense()


def test_a_stranger_takes_what_it_wants_bit_by_bit_and_waits_for_the_rest() -> None:
    world = World()
    world.up()
    game = ForeignProcess(world.clock, world.gpu, "game", 20 * GIB)
    game.arrive()
    world.clock.run_until(world.clock.now_s + 10)
    assert world.gpu.free_bytes == 0
    assert not game.has_all
    world.workers.stop("llm")
    world.clock.run_until(world.clock.now_s + 10)
    assert game.has_all
    assert game.kept_waiting_s > 5
    game.leave()
    assert world.gpu.used_bytes == 0
