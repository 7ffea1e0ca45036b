"""What the control plane knows about itself and its processes, for the HTTP API."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from avatar_appliance import __version__
from avatar_appliance.admin.system_info import (
    DiskInfo,
    ProcessExit,
    ProcessInfo,
    ProcessRole,
    ProcessState,
    SystemInfo,
    SystemProblem,
)
from avatar_appliance.config import Settings
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorControl, WorkerState
from avatar_appliance.discovery import Announcer
from avatar_appliance.processes.process import ProcessStatus
from avatar_appliance.processes.protocol import ProcessManager

from .announcing import ROLES, Announcing

LIBRARIES = ("wyoming", "faster-whisper", "piper-tts", "xllamacpp", "espeakng-loader", "fastapi", "zeroconf")
_ROLES: dict[str, ProcessRole] = {"asr": "asr", "tts": "tts", "conversation": "conversation"}
_WORKER_STATES: dict[SlotState, ProcessState] = {
    SlotState.STARTING: "starting",
    SlotState.READY: "ready",
    SlotState.FALLING_ASLEEP: "sleeping",
    SlotState.SLEEPING: "sleeping",
    SlotState.WAKING: "starting",
    SlotState.STOPPING: "stopping",
    SlotState.STOPPED: "stopped",
    SlotState.FAILED: "failed",
}


class ApplianceSystem:
    """Answers `GET /health` and `GET /api/system/info`."""

    def __init__(
        self,
        settings: Settings,
        announcer: Announcer,
        announcing: Announcing,
        processes: ProcessManager | None,
        coordinator: CoordinatorControl | None = None,
        problems: Callable[[], Sequence[SystemProblem]] = tuple,
    ) -> None:
        self._settings = settings
        self._problems = problems
        self._announcing = announcing
        self._announcer = announcer
        self._processes = processes
        self._coordinator = coordinator
        self._started_at = datetime.now(UTC)
        self._started_s = time.monotonic()

    def processes(self) -> Sequence[ProcessInfo]:
        """Return this process, the servers and the workers.

        A server that somebody else manages is as the last probe found it; a worker is as the coordinator says.
        """
        control = ProcessInfo(name="control", kind="control", state="ready", pid=os.getpid(), since=self._started_at)
        statuses = self._processes.statuses() if self._processes is not None else {}
        servers = [self._of(statuses[role]) if role in statuses else self._unit(role) for role in ROLES]
        if self._coordinator is None:
            return (control, *servers)
        workers = [state for state in self._coordinator.state().workers if not state.spec.external]
        return (control, *servers, *(self._worker(state, statuses.get(state.spec.name)) for state in workers))

    async def info(self) -> SystemInfo:
        """Return a snapshot; looks at /proc and the disks in a thread."""
        return await asyncio.to_thread(self._info)

    def _info(self) -> SystemInfo:
        return SystemInfo(
            version=__version__,
            python=platform.python_version(),
            started_at=self._started_at,
            uptime_s=time.monotonic() - self._started_s,
            processes=[_with_memory(process) for process in self.processes()],
            disks=[
                _disk("state", self._settings.paths.state_dir),
                _disk("cache", self._settings.paths.cache_dir),
            ],
            libraries={name: found for name in LIBRARIES if (found := _version(name))},
            discovery=self._announcer.status(),
            problems=self._problems(),
        )

    def _unit(self, role: str) -> ProcessInfo:
        """Return what the last probe of a server said: its process is somebody else's."""
        state: ProcessState = "ready" if role in self._announcing.usable else "starting"
        return ProcessInfo(name=role, kind="server", state=state, role=_ROLES[role])

    def _of(self, status: ProcessStatus) -> ProcessInfo:
        return ProcessInfo(
            name=status.name,
            kind="server",
            state=status.state.value,
            role=_ROLES[status.name],
            pid=status.pid,
            restarts=status.restarts,
            since=datetime.fromtimestamp(status.since, UTC),
            last_exit=_exit(status),
        )

    def _worker(self, state: WorkerState, status: ProcessStatus | None) -> ProcessInfo:
        return ProcessInfo(
            name=state.spec.name,
            kind="worker",
            state=_WORKER_STATES[state.state],
            role=state.spec.role,
            engine=state.engine,
            pid=status.pid if status is not None else None,
            restarts=state.crashes,
            since=datetime.now(UTC) - timedelta(seconds=state.since_s),
            last_exit=_exit(status) if status is not None else None,
        )


def _exit(status: ProcessStatus) -> ProcessExit | None:
    at = datetime.fromtimestamp(status.since, UTC)
    match status.last_exit:
        case None:
            return None
        case int(code):
            return ProcessExit(at=at, code=code)
        case str(name):
            return ProcessExit(at=at, signal=name)


def _with_memory(process: ProcessInfo) -> ProcessInfo:
    return replace(process, rss_bytes=_rss_bytes(process.pid)) if process.pid is not None else process


def _rss_bytes(pid: int) -> int | None:
    try:
        # proc(5): the second field of statm is the resident set in pages.
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None  # it ended between two looks


def _disk(name: str, folder: Path) -> DiskInfo:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(existing)
    return DiskInfo(folder="state" if name == "state" else "cache", free_bytes=usage.free, total_bytes=usage.total)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
