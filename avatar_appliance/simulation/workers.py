"""Simulated worker processes: they take time and memory to come and go, and things go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.device import CPU, DeviceId

from .clock import Timer, VirtualClock
from .figures import KILL_AFTER_S, START_TIMEOUT_S, Mishap, WorkerFigures
from .memory import SimulatedMemory

RETURN_WAIT_S = 5.0
"""How long memory may take to come back before what is left is called residue, as the shell does."""
WATCH_S = 0.1


@dataclass(slots=True, eq=False)
class _Life:
    """One process."""

    worker: str
    device: DeviceId
    holder: str
    """Its name in the memory of the devices: a new life may begin before the memory of the last one is back."""
    up: bool = False
    asleep: bool = False
    dead: bool = False
    used: bool = False
    has_slept: bool = False
    owed: ev.Event | None = None
    """What the move under way (sleep, wake) ends in if the process dies of it."""
    timers: list[Timer] = field(default_factory=list)


class ProtocolBroken(AssertionError):
    """The scheduler asked for something that makes no sense: a second process of a worker, sleep before it is up."""


class SimulatedWorkers:
    """Carries out what the scheduler wants; `tell` takes the events that come of it.

    Every Start, Stop, Sleep, Wake and WatchMemory ends in exactly one event, as the shell promises, but for those a
    Stop interrupts. Raises ProtocolBroken for actions no launcher could carry out.
    """

    def __init__(
        self,
        clock: VirtualClock,
        memory: Mapping[DeviceId, SimulatedMemory],
        figures: Mapping[str, WorkerFigures],
        tell: Callable[[ev.Event], None],
        random: Random,
    ) -> None:
        self._clock = clock
        self._memory = memory
        self._figures = figures
        self._tell = tell
        self._random = random
        self._lives: dict[str, _Life] = {}
        self._residues = 0
        self.starts: dict[str, int] = dict.fromkeys(figures, 0)
        self.out_of_memory_in_use = 0
        """How often a worker in use found no memory to grow."""

    def living(self, worker: str) -> bool:
        """Return whether there is a process of it."""
        life = self._lives.get(worker)
        return life is not None and not life.dead

    def up(self) -> list[tuple[str, DeviceId, bool]]:
        """Return who is up: worker, device, and whether it sleeps."""
        return [(life.worker, life.device, life.asleep) for life in self._lives.values() if life.up and not life.dead]

    def held_bytes(self, worker: str, device: DeviceId) -> int:
        """Return what the latest process of a worker really holds of a device."""
        life = self._lives.get(worker)
        return self._memory[device].held.get(life.holder, 0) if life is not None else 0

    def holders(self) -> dict[str, str]:
        """Return the living workers by the name they have in the memory of the devices."""
        return {life.holder: life.worker for life in self._lives.values() if not life.dead}

    def start(self, worker: str, device: DeviceId) -> None:
        """Begin a process; ends in Started or StartFailed."""
        if self.living(worker):
            raise ProtocolBroken(f"{worker} is started twice")
        figures = self._figures[worker]
        self.starts[worker] += 1
        life = self._lives[worker] = _Life(worker, device, f"{worker}#{self.starts[worker]}")
        start_s = figures.start_s * self._random.uniform(0.8, 1.3)
        if self._goes_wrong(figures, "config"):
            self._in(life, 0.2, lambda: self._fail_start(life, "config"))
        elif self._goes_wrong(figures, "crash-at-start"):
            at_s = self._random.random() * start_s
            self._in(life, at_s, lambda: self._fail_start(life, "crashed"))
        elif self._goes_wrong(figures, "hang-at-start"):
            self._in(life, START_TIMEOUT_S, lambda: self._fail_start(life, "timeout"))
        else:
            self._in(life, start_s, lambda: self._is_up(life, start_s))
        self._in(life, 0.1 * start_s, lambda: self._load(life, figures.rest_bytes // 2))
        self._in(life, 0.5 * start_s, lambda: self._load(life, figures.peak_bytes))
        self._in(life, 0.8 * start_s, lambda: self._load(life, figures.rest_bytes))

    def stop(self, worker: str) -> None:
        """End the process, whatever it is at; ends in Stopped."""
        life = self._lives.get(worker)
        if life is None or life.dead:
            self._tell(ev.Stopped(worker))
            return
        self._interrupt(life)
        life.up = False
        figures = self._figures[worker]
        stop_s = KILL_AFTER_S if self._goes_wrong(figures, "will-not-die") else figures.stop_s
        self._in(life, stop_s, lambda: self._end(life, ev.Stopped(worker)))

    def sleep(self, worker: str) -> None:
        """Put it to sleep; ends in FellAsleep or SleepFailed."""
        life = self._lives[worker]
        if life.dead:
            self._tell(ev.SleepFailed(worker))
            return
        if not life.up or life.asleep:
            raise ProtocolBroken(f"{worker} is put to sleep while it is not up")
        life.owed = ev.SleepFailed(worker)
        figures = self._figures[worker]
        sleep_s = figures.sleep_s if life.has_slept else figures.first_sleep_s
        self._in(life, sleep_s, lambda: self._fall_asleep(life))

    def wake(self, worker: str) -> None:
        """Wake it; ends in Woke or WakeFailed."""
        life = self._lives[worker]
        if life.dead:
            self._tell(ev.WakeFailed(worker, "crashed"))
            return
        if not life.asleep:
            raise ProtocolBroken(f"{worker} is woken while it is not asleep")
        life.owed = ev.WakeFailed(worker, "crashed")
        self._in(life, self._figures[worker].wake_s, lambda: self._wake_up(life))

    def watch(self, worker: str, device: DeviceId) -> None:
        """See the memory of an ended process come back; ends in MemoryReturned."""
        if self.living(worker):
            raise ProtocolBroken(f"{worker} lives, and its memory is to come back")
        life = self._lives.get(worker)
        if life is None:
            self._tell(ev.MemoryReturned(worker))
        else:
            self._watch(life, device, self._clock.now_s + RETURN_WAIT_S)

    def use(self, worker: str) -> bool:
        """Compute with it; return whether it could: it is up, and had the memory to grow."""
        life = self._lives.get(worker)
        if life is None or life.dead or not life.up or life.asleep:
            return False
        figures = self._figures[worker]
        if not life.used:
            life.used = self._memory[life.device].hold(life.holder, self._rest_bytes(life, used=True))
            if not life.used:
                self.out_of_memory_in_use += 1
                return False
        if self._goes_wrong(figures, "crash-in-use"):
            self._in(life, self._random.random(), lambda: self.crash(worker))
        return True

    def crash(self, worker: str) -> None:
        """Have it end by itself, where it is up."""
        life = self._lives.get(worker)
        if life is not None and life.up and not life.dead:
            self._end(life, ev.Exited(worker))

    def settle(self) -> None:
        """Whoever told them what to do is gone: starts are given up, other moves end as they were meant to."""
        for life in list(self._lives.values()):
            pending = [timer for timer in life.timers if timer.call is not None]
            if life.dead or (life.up and not pending):
                continue
            self._interrupt(life)
            if not life.up:
                self._end(life, None)

    def _goes_wrong(self, figures: WorkerFigures, mishap: Mishap) -> bool:
        odds = figures.odds.get(mishap, 0.0)
        return odds > 0 and self._random.random() < odds

    def _in(self, life: _Life, delay_s: float, call: Callable[[], None]) -> None:
        life.timers = [timer for timer in life.timers if timer.call is not None]
        life.timers.append(self._clock.after(delay_s, call))

    def _interrupt(self, life: _Life) -> None:
        for timer in life.timers:
            timer.cancel()
        life.timers.clear()
        life.owed = None

    def _rest_bytes(self, life: _Life, *, used: bool) -> int:
        figures = self._figures[life.worker]
        return figures.rest_bytes + (figures.growth_bytes if used else 0)

    def _load(self, life: _Life, size_bytes: int) -> None:
        host = self._figures[life.worker].host_bytes if life.device != CPU else 0
        if not self._memory[life.device].hold(life.holder, size_bytes) or (
            host and not self._memory[CPU].hold(life.holder, host)
        ):
            self._fail_start(life, "out-of-memory")

    def _is_up(self, life: _Life, start_s: float) -> None:
        life.up = True
        memory = self._memory[life.device]
        if memory.pids_visible:
            figures = self._figures[life.worker]
            rest = memory.held[life.holder]
            self._tell(ev.Started(life.worker, rest, max(rest, figures.peak_bytes), start_s))
        else:
            self._tell(ev.Started(life.worker, None, None, start_s))

    def _fail_start(self, life: _Life, failure: ev.StartFailure) -> None:
        self._end(life, ev.StartFailed(life.worker, failure))

    def _end(self, life: _Life, event: ev.Event | None) -> None:
        """The process is gone; its memory follows."""
        owed = life.owed
        self._interrupt(life)
        life.dead, life.up = True, False
        figures = self._figures[life.worker]
        residue = self._goes_wrong(figures, "leaves-residue")
        self._clock.after(figures.return_lag_s, lambda: self._give_back(life, residue))
        if event is not None:
            self._tell(event)
        if owed is not None and event is not None:
            self._tell(owed)

    def _give_back(self, life: _Life, residue: bool) -> None:
        for memory in self._memory.values():
            held = memory.held.get(life.holder, 0)
            memory.release(life.holder)
            if residue and held and memory.device == life.device:
                self._residues += 1
                memory.hold(f"residue-{self._residues}", held // 8)

    def _fall_asleep(self, life: _Life) -> None:
        figures, memory = self._figures[life.worker], self._memory[life.device]
        host, life.owed = self._memory[CPU], None
        awake_bytes = memory.held.get(life.holder, 0)
        refuses = self._goes_wrong(figures, "will-not-sleep")
        if refuses or not host.hold(life.holder, figures.host_bytes + awake_bytes):
            self._tell(ev.SleepFailed(life.worker))
            return
        memory.hold(life.holder, figures.sleep_bytes)
        life.asleep = life.has_slept = True
        self._tell(ev.FellAsleep(life.worker, figures.sleep_bytes if memory.pids_visible else None))
        if self._goes_wrong(figures, "crash-asleep"):
            self._in(life, 10 * self._random.random(), lambda: self.crash(life.worker))

    def _wake_up(self, life: _Life) -> None:
        figures, life.owed = self._figures[life.worker], None
        if self._goes_wrong(figures, "will-not-wake"):
            self._tell(ev.WakeFailed(life.worker, "crashed"))
        elif not self._memory[life.device].hold(life.holder, self._rest_bytes(life, used=life.used)):
            self._tell(ev.WakeFailed(life.worker, "out-of-memory"))
        else:
            self._memory[CPU].hold(life.holder, figures.host_bytes)
            life.asleep = False
            self._tell(ev.Woke(life.worker))

    def _watch(self, life: _Life, device: DeviceId, deadline_s: float) -> None:
        held = self._memory[device].held.get(life.holder, 0)
        if held and self._clock.now_s < deadline_s:
            self._clock.after(WATCH_S, lambda: self._watch(life, device, deadline_s))
        else:
            self._tell(ev.MemoryReturned(life.worker, held))
