"""The launcher of workers that are processes of this machine, whoever manages them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from avatar_appliance.coordinator.device import DeviceId
from avatar_appliance.coordinator.launcher import LaunchFailed, Running
from avatar_appliance.errors import AvatarError, ConfigError
from avatar_appliance.processes.assignment import (
    DeviceAssignment,
    read_assignment,
    remove_assignment,
    write_assignment,
)
from avatar_appliance.processes.errors import ProcessUnknown
from avatar_appliance.processes.process import ProcessState
from avatar_appliance.processes.protocol import ProcessManager

from .exit_watch import ExitWatch
from .failure import failed_process, refused
from .launchable import Launchable
from .life import ENDED, next_change, process_status, while_up
from .nap import put_to_sleep, sleeps, wake_up
from .probe import ProbeRefused, until_answered
from .sleeper import Sleeper

_LOGGER = logging.getLogger(__name__)

RETRY_S = 1.0


class ProcessLauncher:
    """A `WorkerLauncher` over a process manager; use it in `async with`, within that of the manager.

    Leaving ends no worker. Processes are started with one life each: what comes after a crash is the scheduler's
    decision.
    """

    def __init__(self, manager: ProcessManager, workers: Mapping[str, Launchable], runtime_dir: Path) -> None:
        self._manager = manager
        self._workers = workers
        self._runtime_dir = runtime_dir
        self._exits = ExitWatch(manager)
        self._progress: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self._exits.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.__aexit__()
        for worker in self._workers:  # whoever ended them: one that is started by hand chooses its device itself
            if process_status(self._manager, worker).state in ENDED:
                remove_assignment(self._runtime_dir, worker)

    async def start(self, worker: str, device: DeviceId, limit_bytes: int) -> None:
        """Return when the worker answered a real probe on `device`; raises LaunchFailed, and no process is left then.

        Whatever runs under its name already, unknown to us, is ended first: it may be on another device. Cancelling
        ends the process, too.
        """
        launch = self._workers[worker]
        timeout_s = launch.spec.start_timeout_s
        clock = asyncio.get_running_loop().time
        began_s = clock()
        self._progress[worker] = "starting"
        try:
            async with asyncio.timeout(timeout_s):
                await self._end_stray(worker)
                self._assign(worker, device, limit_bytes)
                await self._begin(worker, launch)
                self._progress[worker] = "warming up"
                await while_up(self._manager, worker, until_answered(launch.probe))
                self._exits.expect_up(worker)
        except asyncio.CancelledError:
            await self._give_up(worker, self._manager.stop)
            raise
        except Exception as error:
            failure = self._meaning(error, timeout_s, late=clock() - began_s >= timeout_s, doing=self.progress(worker))
            await self._give_up(worker, self._manager.kill)
            if failure is None:
                raise
            raise failure from None
        finally:
            self._progress.pop(worker, None)

    async def stop(self, worker: str) -> None:
        """Return when no process of it is left; ends what an earlier stop left behind.

        Waits for a manager that is away for a while, and raises what it raises when it may not stop this worker.
        """
        self._exits.expect_end(worker)
        self._progress[worker] = "stopping"
        try:
            while True:
                try:
                    # What has ended cannot be asked to: then there may be residue.
                    ended = process_status(self._manager, worker).state in ENDED
                    await (self._manager.kill(worker) if ended else self._manager.stop(worker))
                except ProcessUnknown:
                    pass
                except AvatarError as error:
                    if not error.retryable:
                        raise
                    _LOGGER.warning("%s cannot be stopped now: %s", worker, error.text)
                    await asyncio.sleep(RETRY_S)
                    continue
                break
        finally:
            self._progress.pop(worker, None)
        remove_assignment(self._runtime_dir, worker)

    async def kill(self, worker: str) -> None:
        """End every process of it with SIGKILL, also in the middle of a stop."""
        self._exits.expect_end(worker)
        try:
            await self._manager.kill(worker)
        except ProcessUnknown:
            return

    async def sleep(self, worker: str) -> None:
        """Return when it sleeps; raises LaunchFailed."""
        sleeper = self._sleeper(worker)
        self._progress[worker] = "falling asleep"
        try:
            await put_to_sleep(self._manager, worker, sleeper)
        finally:
            self._progress.pop(worker, None)

    async def wake(self, worker: str) -> None:
        """Return when it is awake and answered a real probe; raises LaunchFailed ("out-of-memory": it sleeps on)."""
        launch, sleeper = self._workers[worker], self._sleeper(worker)
        timeout_s = launch.spec.start_timeout_s
        self._progress[worker] = "waking"
        try:
            await wake_up(self._manager, worker, sleeper)
            self._progress[worker] = "warming up"
            async with asyncio.timeout(timeout_s):
                await while_up(self._manager, worker, until_answered(launch.probe))
        except TimeoutError:
            raise LaunchFailed("timeout", f"awake, but no answer within {timeout_s:g} s") from None
        except ProbeRefused as error:
            raise refused(error.text) from None
        finally:
            self._progress.pop(worker, None)

    def pids(self, worker: str) -> Sequence[int]:
        """Return the processes of the worker at this moment."""
        try:
            return self._manager.pids(worker)
        except ProcessUnknown:
            return ()

    def progress(self, worker: str) -> str:
        """Return what it is doing, for people: "starting", its own words while it loads, "warming up", ""."""
        return self._progress.get(worker, "")

    async def running(self) -> Sequence[Running]:
        """Return the workers that are up already, and end those that are only on their way.

        Nobody remembers what memory a start that is under way was given. One that is up without an assignment (somebody
        started it by hand) is left alone: it counts as foreign until it is wanted, and is then started anew.
        """
        found = await asyncio.gather(*(self._find(worker) for worker in self._workers))
        return [running for running in found if running is not None]

    def on_exit(self, callback: Callable[[str, str], None]) -> None:
        """Call `callback(worker, why)` whenever a worker that was up ended by itself."""
        self._exits.on_exit(callback)

    async def _end_stray(self, worker: str) -> None:
        status = process_status(self._manager, worker)
        if status.state not in ENDED:
            _LOGGER.warning("%s runs already (%s), unknown to us: stopped first", worker, status.state)
            await self._manager.stop(worker)

    def _assign(self, worker: str, device: DeviceId, limit_bytes: int) -> None:
        assignment = DeviceAssignment(device, limit_bytes if limit_bytes > 0 else None)
        try:
            write_assignment(self._runtime_dir, worker, assignment)
        except OSError as error:
            text = f"its device cannot be written down: {error.strerror}: {error.filename}"
            raise LaunchFailed("unavailable", text) from None

    async def _begin(self, worker: str, launch: Launchable) -> None:
        """Start the process and wait until it says that it is ready."""
        with self._manager.changes() as changes:
            await self._manager.start(replace(launch.spec, restart=False))
            while (status := process_status(self._manager, worker)).state is not ProcessState.READY:
                if status.state in ENDED:
                    raise failed_process(status)
                if status.status_text:
                    self._progress[worker] = status.status_text
                await next_change(changes)

    def _meaning(self, error: Exception, timeout_s: float, *, late: bool, doing: str) -> LaunchFailed | None:
        """Return what an error of a start means for the scheduler; None for a defect."""
        match error:
            case LaunchFailed(failure="crashed") if late:  # the manager's own deadline came first
                return LaunchFailed("timeout", error.text)
            case LaunchFailed():
                return error
            case TimeoutError():
                return LaunchFailed("timeout", f"not ready within {timeout_s:g} s ({doing})")
            case ProbeRefused():
                return refused(f"its first request failed: {error.text}")
            case AvatarError():
                config = isinstance(error, ConfigError)
                return LaunchFailed("config" if config else "unavailable", f"{error.text} ({error.hint})")
            case _:
                return None

    async def _give_up(self, worker: str, end: Callable[[str], Awaitable[None]]) -> None:
        if process_status(self._manager, worker).state not in ENDED:
            try:
                await end(worker)
            except AvatarError as error:
                _LOGGER.error("%s did not start, and cannot be ended: %s", worker, error.text)
        remove_assignment(self._runtime_dir, worker)

    def _sleeper(self, worker: str) -> Sleeper:
        sleeper = self._workers[worker].sleeper
        if sleeper is None:
            raise LaunchFailed("unavailable", "it cannot sleep")
        return sleeper

    async def _find(self, worker: str) -> Running | None:
        status = process_status(self._manager, worker)
        if status.state is ProcessState.STARTING:
            _LOGGER.warning("%s was found on its way up: stopped, since nobody knows what it was given", worker)
            await self.stop(worker)
        if status.state is not ProcessState.READY:
            return None
        try:
            assignment = read_assignment(self._runtime_dir, worker)
        except ConfigError as error:
            _LOGGER.warning("%s", error.text)
            assignment = None
        if assignment is None:
            _LOGGER.warning("%s runs, and nobody has written down where: not ours", worker)
            return None
        sleeper = self._workers[worker].sleeper
        asleep = sleeper is not None and bool(await sleeps(sleeper))
        try:
            self._exits.expect_up(worker)
        except LaunchFailed:  # a moment ago
            return None
        return Running(worker, assignment.device, asleep)
