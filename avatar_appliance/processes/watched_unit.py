"""One unit we look after: what we last heard of it, and what we asked of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .process import ProcessState, ProcessStatus
from .process_group import group_members
from .unit_names import unit_path
from .unit_status import USED, unit_status

CGROUP_ROOT = Path("/sys/fs/cgroup")
# Version 2, then where systemd has a hierarchy of its own beside those of version 1.
_HIERARCHIES = ("", "unified", "systemd")


class WatchedUnit:
    """Turns properties and jobs into a status; `publish` gets each new one."""

    def __init__(self, name: str, unit: str, publish: Callable[[ProcessStatus], None]) -> None:
        self.name = name
        self.unit = unit
        self.path = unit_path(unit)
        self.commands = asyncio.Lock()
        """Starts and stops are carried out one after the other, in the order they came."""
        self.signals = 0
        """How often its properties were said to have changed."""
        self.read = False
        """Its properties were asked for."""
        self._publish = publish
        self._properties: dict[str, Any] = {}
        self._start_pending = False
        self._start_job: str | None = None
        self._start_error = ""
        self._status = unit_status(name, {})

    @property
    def status(self) -> ProcessStatus:
        """How it is now."""
        return self._status

    @property
    def outdated(self) -> bool:
        """Whether its control group has to be asked for: systemd sends no signal about that."""
        return bool(self._properties.get("MainPID")) and not self._properties.get("ControlGroup")

    def heard(self, properties: Mapping[str, Any], *, complete: bool) -> None:
        """Take in properties that changed; `complete` False: others of the same change follow at once."""
        self.signals += 1
        self._take_in(properties)
        if complete:
            self._tell()

    def refreshed(self, properties: Mapping[str, Any], *, came_back: bool = False) -> None:
        """Take in all properties; `came_back`: nobody listened for a while, and a start may have ended unseen."""
        self.read = True
        self._take_in(properties)
        if came_back and self._start_job is not None and not properties.get("Job", (0, "/"))[0]:
            self._start_pending, self._start_job = False, None
        self._tell()

    def start_asked(self) -> None:
        """A start is about to be asked for."""
        self._start_pending, self._start_job, self._start_error = True, None, ""
        self._tell()

    def start_taken(self, job: str) -> None:
        """Systemd has made `job` of it."""
        self._start_job = job

    def start_failed(self, error: str) -> None:
        """Systemd would not, and `error` says why."""
        self._start_pending, self._start_job, self._start_error = False, None, error
        self._tell()

    def job_ended(self, job: str, result: str) -> None:
        """A job of this unit is over."""
        if job == self._start_job:
            # canceled: somebody wants it stopped. A failed unit says by itself how it failed.
            well = result in ("done", "canceled") or self._properties.get("ActiveState") == "failed"
            self.start_failed("" if well else f"systemd did not start it: {result}")

    def stop_asked(self) -> None:
        """A stop is about to be asked for: a start that never came about is forgotten."""
        self._start_error = ""
        self._tell()

    def pids(self) -> Sequence[int]:
        """Return its processes: those of its control group, or (where that cannot be seen) of its process group."""
        if group := self._properties.get("ControlGroup"):
            for hierarchy in _HIERARCHIES:
                with contextlib.suppress(OSError):
                    listed = (CGROUP_ROOT / hierarchy / group.lstrip("/") / "cgroup.procs").read_text("ascii")
                    return [int(pid) for pid in listed.split()]
        main = self._properties.get("MainPID")
        return group_members(main) if main else ()

    @property
    def up(self) -> bool:
        """Whether it is ready or on its way."""
        return self._status.state in (ProcessState.STARTING, ProcessState.READY)

    def _take_in(self, properties: Mapping[str, Any]) -> None:
        news = {key: value for key, value in properties.items() if key in USED}
        if news.get("ActiveState") == "inactive" and not news.get("ExecMainCode"):
            # Unloaded since it ended, and loaded anew because we look at it: it has forgotten how it ended.
            news = {key: value for key, value in news.items() if not key.startswith("ExecMain")}
        self._properties.update(news)

    def _tell(self) -> None:
        status = unit_status(
            self.name, self._properties, start_pending=self._start_pending, start_error=self._start_error
        )
        before = self._status
        if before.since and status.state is before.state:
            status = replace(status, since=before.since)
        elif not status.since or self._start_pending or self._start_error:  # a state that only we know of
            status = replace(status, since=time.time())
        self._status = status
        # That a unit nobody had heard of is stopped is no news.
        if status != before and (before.since or status.state is not ProcessState.STOPPED):
            self._publish(status)
