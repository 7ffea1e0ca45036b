"""What the box is doing at this moment: values for the API, and the protocol of whoever knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from avatar_appliance.discovery.status import DiscoveryStatus

ProcessKind = Literal["control", "server", "worker"]
ProcessRole = Literal["asr", "tts", "conversation", "llm", "speaker"]
ProcessState = Literal["stopped", "starting", "ready", "sleeping", "stopping", "failed"]


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a process ended last time: an exit code or the signal that killed it, and when (UTC)."""

    at: datetime
    code: int | None = None
    signal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """One process of ours, or a worker elsewhere (then without pid); `since` is when `state` began (UTC).

    `role` is None for the control plane, `engine` is set for workers; `rss_bytes` is resident memory.
    """

    name: str
    kind: ProcessKind
    state: ProcessState
    role: ProcessRole | None = None
    engine: str | None = None
    pid: int | None = None
    restarts: int = 0
    since: datetime | None = None
    last_exit: ProcessExit | None = None
    rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DiskInfo:
    """Room on the disk that holds one of our folders."""

    folder: Literal["state", "cache"]
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemProblem:
    """What is wrong at this moment, since when (UTC), and what an owner can do; gone with its cause."""

    code: str
    text: str
    hint: str
    since: datetime
    worker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemInfo:
    """A snapshot of the appliance; `libraries` are versions by distribution name."""

    version: str
    python: str
    started_at: datetime
    uptime_s: float
    processes: Sequence[ProcessInfo] = ()
    disks: Sequence[DiskInfo] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    discovery: DiscoveryStatus | None = None
    problems: Sequence[SystemProblem] = ()


class System(Protocol):
    """Knows the processes and the machine; the control plane has the one implementation."""

    def processes(self) -> Sequence[ProcessInfo]:
        """Return the processes from memory: called for every health check, so without I/O."""
        ...

    async def info(self) -> SystemInfo:
        """Return everything; may look at /proc and at disks."""
        ...
