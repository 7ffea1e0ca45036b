"""A launcher and a probe whose every move a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from avatar_appliance.coordinator.device import DeviceId, DeviceReading, ProcessMemory
from avatar_appliance.coordinator.events import StartFailure
from avatar_appliance.coordinator.launcher import LaunchFailed, Running
from avatar_appliance.coordinator.probes import ProbeFailed

GIB = 2**30


@dataclass
class ScriptedCard:
    """One GPU of 24 GiB whose processes the test and the scripted launcher fill; RAM that is never short."""

    total_bytes: int = 24 * GIB
    processes: dict[int, int] = field(default_factory=dict)
    hidden: bool = False
    broken: bool = False
    stuck_bytes: int = 0
    """Memory that no process explains."""

    def read(self) -> Sequence[DeviceReading]:
        if self.broken:
            raise ProbeFailed("the driver is gone", devices=["cuda:0"])
        listed = tuple(ProcessMemory(pid, size, f"p{pid}") for pid, size in self.processes.items())
        used = sum(self.processes.values()) + self.stuck_bytes
        return (
            DeviceReading(
                device="cuda:0",
                name="card",
                total_bytes=self.total_bytes,
                used_bytes=used,
                processes=None if self.hidden else listed,
            ),
            DeviceReading(device="cpu", name="ram", total_bytes=64 * GIB, used_bytes=4 * GIB),
        )

    def close(self) -> None:
        pass


@dataclass
class Script:
    """How a worker behaves."""

    rest_bytes: int = 2 * GIB
    peak_bytes: int | None = None
    fails: list[StartFailure] = field(default_factory=list)
    """One start each fails so."""
    held: asyncio.Event | None = None
    """A start waits for it."""
    leaves_bytes: int = 0
    sleeps: bool = True
    defects: set[str] = field(default_factory=set)
    """Calls ("sleep", "wake", "stop", "start") in which the launcher itself is broken, once each."""


class ScriptedLauncher:
    """Puts processes on the card."""

    def __init__(self, card: ScriptedCard, scripts: dict[str, Script]) -> None:
        self.card = card
        self.scripts = scripts
        self.calls: list[tuple[str, str]] = []
        self.found: list[Running] = []
        self._pids: dict[str, int] = {}
        self._next_pid = 100
        self._exit: Callable[[str, str], None] = lambda *_: None

    def _call(self, what: str, worker: str) -> None:
        self.calls.append((what, worker))
        if what in self.scripts[worker].defects:
            self.scripts[worker].defects.discard(what)
            raise RuntimeError("a defect")

    async def start(self, worker: str, device: DeviceId, limit_bytes: int) -> None:
        self._call("start", worker)
        script = self.scripts[worker]
        self._next_pid += 1
        pid = self._pids[worker] = self._next_pid
        self.card.processes[pid] = script.peak_bytes or script.rest_bytes
        try:
            if script.held is not None:
                await script.held.wait()
            if script.fails:
                raise LaunchFailed(script.fails.pop(0), f"{worker} would not")
        except BaseException:
            self._vanish(worker)
            raise
        self.card.processes[pid] = script.rest_bytes

    async def stop(self, worker: str) -> None:
        self._call("stop", worker)
        self._vanish(worker)

    async def sleep(self, worker: str) -> None:
        self._call("sleep", worker)
        if not self.scripts[worker].sleeps:
            raise LaunchFailed("crashed", "cannot sleep")
        self.card.processes[self._pids[worker]] = GIB // 2

    async def wake(self, worker: str) -> None:
        self._call("wake", worker)
        self.card.processes[self._pids[worker]] = self.scripts[worker].rest_bytes

    def pids(self, worker: str) -> Sequence[int]:
        pid = self._pids.get(worker)
        return () if pid is None else (pid,)

    def progress(self, worker: str) -> str:
        return "loading"

    async def running(self) -> Sequence[Running]:
        return self.found

    def on_exit(self, callback: Callable[[str, str], None]) -> None:
        self._exit = callback

    def crash(self, worker: str) -> None:
        """Let a worker end by itself."""
        self._vanish(worker)
        self._exit(worker, "killed by SIGKILL")

    def already_up(self, worker: str, *, asleep: bool = False) -> None:
        """Have a worker run from before the coordinator's start."""
        self._next_pid += 1
        self._pids[worker] = self._next_pid
        self.card.processes[self._next_pid] = self.scripts[worker].rest_bytes
        self.found.append(Running(worker, "cuda:0", asleep))

    def _vanish(self, worker: str) -> None:
        pid = self._pids.pop(worker, None)
        if pid is not None:
            self.card.processes.pop(pid, None)
            self.card.stuck_bytes += self.scripts[worker].leaves_bytes
