"""What the coordinator knows of whoever starts, stops and probes the worker processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .device import DeviceId
from .events import StartFailure


class LaunchFailed(Exception):
    """A start (or a wake) ended badly; its process is gone (after a wake it may still sleep)."""

    def __init__(self, failure: StartFailure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text
        """For people; what the worker said last, never what anybody said to it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that was found running."""

    worker: str
    device: DeviceId
    asleep: bool


class WorkerLauncher(Protocol):
    """Brings worker processes up and down; one call per worker at a time."""

    async def start(self, worker: str, device: DeviceId, limit_bytes: int) -> None:
        """Return when the worker answered a real probe; raises LaunchFailed. Cancelling it ends the process."""
        ...

    async def stop(self, worker: str) -> None:
        """Return when no process of it is left: SIGTERM, a deadline, SIGKILL of the group."""
        ...

    async def sleep(self, worker: str) -> None:
        """Return when it sleeps; raises LaunchFailed where it is up as before."""
        ...

    async def wake(self, worker: str) -> None:
        """Return when it answered a real probe; raises LaunchFailed."""
        ...

    def pids(self, worker: str) -> Sequence[int]:
        """Return the processes of the worker at this moment."""
        ...

    def progress(self, worker: str) -> str:
        """Return what it is doing for people: "loading", "warming up", ""."""
        ...

    async def running(self) -> Sequence[Running]:
        """Return the workers that are up already (the control plane was restarted)."""
        ...

    def on_exit(self, callback: Callable[[str, str], None]) -> None:
        """Call `callback(worker, why)` whenever a worker that was up ended by itself."""
        ...
