"""One service unit of the fake systemd: Type=notify, Restart=no, KillMode=control-group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbus_fast import Variant

from avatar_appliance.processes.child_life import ChildLife
from avatar_appliance.processes.process import ProcessSpec


@dataclass(frozen=True)
class UnitFile:
    """What `avatar-worker@.service` would say; %i in `argv` is the instance."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 10.0
    start_result: str = ""
    """Result of each start job that never runs anything, e.g. "dependency"."""


class FakeUnit:
    """A unit and its process; `changed` is called whenever its properties are other ones."""

    control_group = ""
    """ControlGroup: none, since tests may not make any; the manager then looks at process groups."""

    def __init__(self, name: str, file: UnitFile, folder: Path, changed: Callable[[], None]) -> None:
        self.name = name
        self.file = file
        self.job: tuple[int, str] = (0, "/")
        self._instance = name.partition("@")[2].removesuffix(".service")
        self._notify_path = folder / f"n-{self._instance}"
        self._changed = changed
        self._state, self._sub_state = "inactive", "dead"
        self._since_us = 0
        self._result = "success"
        self._life: ChildLife | None = None
        self._status_text = ""
        self._main_pid = 0
        self._exit: int | str | None = None
        self._wake = asyncio.Event()
        self._stop_asked = False
        self._running: asyncio.Task[None] | None = None
        self.start_canceled = False
        """A stop was asked for after the start that is about to be carried out."""
        self.starts = 0
        """How often its process was started."""

    @property
    def state(self) -> str:
        """ActiveState."""
        return self._state

    @property
    def pid(self) -> int:
        """MainPID."""
        return self._main_pid

    async def start(self) -> str:
        """Start it; return the result of the job when it is over."""
        if self.start_canceled:
            return "canceled"
        if self._state == "active":
            return "done"
        if self.file.start_result:
            return self.file.start_result
        if self._state != "activating":
            if self._running is not None:
                await asyncio.wait({self._running})
            self._stop_asked = False
            self._enter("activating", "start", result="success")
            self._running = asyncio.create_task(self._run())
        await self._until(lambda: self._state != "activating")
        return "done" if self._state == "active" else "canceled" if self._stop_asked else "failed"

    async def stop(self) -> str:
        """Stop it; return the result of the job when it is over."""
        if self._running is not None:
            self._stop_asked = True
            self._heard()
            await asyncio.wait({self._running})
        return "done"

    def kill(self, number: int) -> None:
        """Send a signal to every process of it."""
        if self._life is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._life.pid, number)

    def reset_failed(self) -> None:
        """Forget that it failed."""
        if self._state == "failed":
            self._enter("inactive", "dead", result="success")

    def unit_properties(self) -> dict[str, Variant]:
        """Those of org.freedesktop.systemd1.Unit that matter, and one that does not."""
        return {
            "Id": Variant("s", self.name),
            "ActiveState": Variant("s", self._state),
            "SubState": Variant("s", self._sub_state),
            "StateChangeTimestamp": Variant("t", self._since_us),
            "Job": Variant("(uo)", list(self.job)),
        }

    def service_properties(self) -> dict[str, Variant]:
        """Those of org.freedesktop.systemd1.Service."""
        code, status = _exit_code(self._exit)
        return {
            "MainPID": Variant("u", self._main_pid),
            "ControlGroup": Variant("s", self.control_group),
            "StatusText": Variant("s", self._status_text),
            "Result": Variant("s", self._result),
            "ExecMainCode": Variant("i", code),
            "ExecMainStatus": Variant("i", status),
            "NRestarts": Variant("u", 0),
        }

    async def _run(self) -> None:
        self._exit, self._status_text = None, ""
        spec = ProcessSpec(
            self._instance, tuple(part.replace("%i", self._instance) for part in self.file.argv), "worker", 60,
            env=self.file.env,
        )  # fmt: skip
        self.starts += 1
        life = self._life = await ChildLife.begin(spec, self._notify_path, self._heard)
        self._main_pid = life.pid
        self._changed()
        try:
            result = await self._attend(life)
        finally:
            await life.end(10.0)
            self._exit, self._main_pid, self._life = life.exit, 0, None
        bad = result != "success" or life.exit not in (0, "SIGTERM")
        if bad and result == "success":
            result = "exit-code" if isinstance(life.exit, int) else "signal"
        self._enter("failed" if bad else "inactive", "failed" if bad else "dead", result=result)

    async def _attend(self, life: ChildLife) -> str:
        def enough() -> bool:
            return life.over or self._stop_asked

        if not await self._until(lambda: enough() or life.ready, self.file.start_timeout_s):
            return "timeout"
        if life.ready and not enough():
            self._enter("active", "running")
            await self._until(enough)
        elif life.over and life.exit == 0 and not self._stop_asked:
            return "protocol"
        if life.over:
            return "success"
        self._enter("deactivating", "stop-sigterm")
        life.terminate()
        return "success" if await self._until(lambda: life.over, self.file.stop_timeout_s) else "timeout"

    async def _until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await self._wake.wait()
        return condition()

    def _heard(self) -> None:
        if self._life is not None and self._life.status_text != self._status_text:
            self._status_text = self._life.status_text
            self._changed()
        self._wake.set()
        self._wake = asyncio.Event()

    def _enter(self, state: str, sub_state: str, **changes: Any) -> None:
        self._state, self._sub_state = state, sub_state
        self._since_us = time.time_ns() // 1000
        self._result = changes.get("result", self._result)
        self._heard()
        self._changed()


def _exit_code(last: int | str | None) -> tuple[int, int]:
    if last is None:
        return 0, 0
    return (1, last) if isinstance(last, int) else (2, int(signal.Signals[last]))
