"""The processes of `avatar up`: children of this one, started, watched and stopped together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from avatar_appliance.errors import ShuttingDown

from .changes import ChangeStream, StatusChanges
from .child import ChildProcess
from .errors import ProcessUnknown
from .process import ProcessSpec, ProcessStatus
from .readiness import wait_ready
from .restart_policy import RestartPolicy

START_ORDER = ("worker", "server")
_PRODUCT_POLICY = RestartPolicy()


class Children:
    """A `ProcessManager` whose processes are our children; leaving `async with` stops all of them.

    `start_order` names the roles in the order they are started in, which `stop_all` walks backwards; a role not
    named there comes after those. Use it within one event loop, in the main thread (`die_with_parent` says why).
    """

    def __init__(
        self,
        runtime_dir: Path,
        *,
        policy: RestartPolicy = _PRODUCT_POLICY,
        start_order: Sequence[str] = START_ORDER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime_dir = runtime_dir
        self._policy = policy
        self._start_order = tuple(start_order)
        self._clock = clock
        self._children: dict[str, ChildProcess] = {}
        self._changes = StatusChanges()
        self._stopping_all = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop_all()
        finally:
            self._changes.close()

    async def start(self, spec: ProcessSpec) -> None:
        """Begin to start `spec` and return at once (after a stop of it that is under way).

        Starting or ready already: nothing happens, and `spec` counts from its next life on. Failed: it gets a fresh
        set of tries. Raises ConfigError when the path of its notify socket would be too long, and ShuttingDown
        during `stop_all`.
        """
        self._refuse_while_stopping()
        child = self._children.get(spec.name)
        if child is None:
            child = ChildProcess(spec, self._runtime_dir, self._changes.publish, self._policy, self._clock)
            self._children[spec.name] = child
        await child.start(spec)

    async def stop(self, name: str) -> None:
        """SIGTERM, after `stop_timeout_s` SIGKILL; return when no process is left. Raises ProcessUnknown."""
        await self._child(name).stop()

    async def kill(self, name: str) -> None:
        """SIGKILL, also in the middle of a stop; return when no process is left. Raises ProcessUnknown."""
        await self._child(name).kill()

    async def restart(self, name: str) -> None:
        """Stop `name`, then begin to start it afresh; raises ProcessUnknown, and ShuttingDown during `stop_all`."""
        self._refuse_while_stopping()
        await self._child(name).restart()

    async def stop_all(self) -> None:
        """Stop everything: role after role, the last in starting order first, and each role's processes together."""
        self._stopping_all += 1
        try:
            for role in reversed(self._roles()):
                await asyncio.gather(*(child.stop() for child in self._of_role(role)))
        finally:
            self._stopping_all -= 1

    def statuses(self) -> dict[str, ProcessStatus]:
        """Return how each process is at this moment, by name, in the order of their first start."""
        return {name: child.status for name, child in self._children.items()}

    def pids(self, name: str) -> Sequence[int]:
        """Return the processes of the process group of `name`; raises ProcessUnknown."""
        return self._child(name).pids()

    async def wait_ready(self, names: Iterable[str], timeout_s: float) -> None:
        """Return when each of `names` is ready; raises ProcessFailed, ProcessNotReady, ProcessUnknown."""
        await wait_ready(self, names, timeout_s)

    def changes(self) -> ChangeStream:
        """Open a stream of every change of a status from now on; it ends with this manager's `async with`."""
        return self._changes.stream()

    def on_change(self, callback: Callable[[ProcessStatus], None]) -> Callable[[], None]:
        """Call `callback` with every new status, in the event loop; returns what ends that."""
        return self._changes.on_change(callback)

    def _refuse_while_stopping(self) -> None:
        if self._stopping_all:
            raise ShuttingDown("all processes are being stopped")

    def _child(self, name: str) -> ChildProcess:
        try:
            return self._children[name]
        except KeyError:
            raise ProcessUnknown(f"there is no process {name!r}") from None

    def _roles(self) -> list[str]:
        return list(dict.fromkeys((*self._start_order, *(child.spec.role for child in self._children.values()))))

    def _of_role(self, role: str) -> list[ChildProcess]:
        return [child for child in self._children.values() if child.spec.role == role]
