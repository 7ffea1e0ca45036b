"""One child process through all its lives: started, watched, restarted, stopped."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avatar_appliance.log import log_defect

from .child_life import ChildLife, end_leftovers
from .notify_socket import notify_path
from .process import ProcessSpec, ProcessState, ProcessStatus
from .restart_policy import EX_CONFIG, RestartHistory, RestartPolicy

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Failure:
    error: str
    ready_s: float = 0.0
    hopeless: bool = False
    exit: int | str | None = None


class ChildProcess:
    """Keeps one process running from `start` to `stop`; commands are carried out in the order they came.

    `publish` gets every new status. Raises ConfigError when made, if the notify socket's path would be too long.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        runtime_dir: Path,
        publish: Callable[[ProcessStatus], None],
        policy: RestartPolicy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._notify_path = notify_path(runtime_dir, spec.name)
        self._publish = publish
        self._policy = policy
        self._clock = clock
        self._status = ProcessStatus(spec.name, ProcessState.STOPPED, since=time.time())
        self._commands = asyncio.Lock()
        self._wake = asyncio.Event()
        self._stop_asked = False
        self._kill_asked = False
        self._supervising: asyncio.Task[None] | None = None
        self._life: ChildLife | None = None
        self._stuck: ChildLife | None = None

    @property
    def spec(self) -> ProcessSpec:
        """As last given to `start`."""
        return self._spec

    @property
    def status(self) -> ProcessStatus:
        """How the process is now."""
        return self._status

    async def start(self, spec: ProcessSpec) -> None:
        """Begin to start; of a process that is on its way or ready, `spec` only counts from its next life on.

        Waits for a stop that is under way. A failed process gets a fresh set of tries.
        """
        async with self._commands:
            self._spec = spec
            if self._busy and not self._stop_asked and self._status.state is not ProcessState.FAILED:
                return
            await self._halt()
            self._begin()

    async def stop(self) -> None:
        """Stop and return when the process is gone.

        If it does not go even after SIGKILL, the state is `failed`, and the kernel ends it when it can.
        """
        async with self._commands:
            await self._halt()
            if self._stuck is None or self._stuck.over:
                self._become(ProcessState.STOPPED, status_text="", pid=None)

    async def kill(self) -> None:
        """As `stop`, without asking the process first; hurries a stop that is under way, and ends what one left."""
        self._kill_asked = True
        self._wake.set()
        await self.stop()
        try:
            await end_leftovers(self._spec.name, self._notify_path, self._policy.kill_timeout_s)
        except TimeoutError as error:
            _LOGGER.error("%s: %s", self._spec.name, error)

    def pids(self) -> Sequence[int]:
        """Return the processes of its group that have not ended."""
        return () if self._life is None else self._life.pids()

    async def restart(self) -> None:
        """Stop, then begin to start with a fresh set of tries."""
        async with self._commands:
            await self._halt()
            self._begin()

    @property
    def _busy(self) -> bool:
        return self._supervising is not None and not self._supervising.done()

    def _begin(self) -> None:
        self._stop_asked = self._kill_asked = False
        self._become(ProcessState.STARTING, status_text="", restarts=0, last_error="")
        name = f"supervision of {self._spec.name}"
        self._supervising = asyncio.create_task(self._supervise_safely(), name=name)

    async def _halt(self) -> None:
        if self._supervising is not None:
            self._stop_asked = True
            self._wake.set()
            # Not awaited directly: a caller that gives up must not take the supervision down with it.
            await asyncio.wait({self._supervising})

    async def _supervise_safely(self) -> None:
        try:
            await self._supervise()
        except asyncio.CancelledError:  # the event loop ends, and the child did so with it
            self._become(ProcessState.STOPPED, status_text="", pid=None)
            raise
        except Exception as error:  # noqa: BLE001 - nobody awaits this task's result: say it here
            log_defect(_LOGGER, f"the supervision of {self._spec.name}", error)
            text = f"a defect of its supervision ({type(error).__name__})"
            self._become(ProcessState.FAILED, status_text="", pid=None, last_error=text)

    async def _supervise(self) -> None:
        history = RestartHistory(self._policy)
        while True:
            failure = await self._live()
            if failure is None or (self._stop_asked and not failure.hopeless):
                self._become(ProcessState.STOPPED, status_text="")
                return
            if failure.hopeless or not self._spec.restart:
                self._end_for_good(failure)
                return
            retry = history.after_failure(self._clock(), failure.ready_s)
            state = ProcessState.FAILED if retry.crash_loop else ProcessState.STARTING
            plan = f"tries again in {retry.delay_s:g} s"
            _LOGGER.log(
                logging.ERROR if retry.crash_loop else logging.WARNING,
                "%s: %s; %s%s",
                self._spec.name,
                failure.error,
                "keeps failing, " if retry.crash_loop else "",
                plan,
            )
            self._become(state, status_text=plan, last_error=failure.error)
            if await self._until(lambda: self._stop_asked, retry.delay_s):
                self._become(ProcessState.STOPPED, status_text="")
                return
            self._become(ProcessState.STARTING, status_text="", restarts=self._status.restarts + 1)

    def _end_for_good(self, failure: _Failure) -> None:
        if failure.exit == 0:
            _LOGGER.info("%s: %s", self._spec.name, failure.error)
            self._become(ProcessState.STOPPED, status_text="", last_error=failure.error)
        else:
            _LOGGER.error("%s: %s; not tried again until asked", self._spec.name, failure.error)
            self._become(ProcessState.FAILED, status_text="", last_error=failure.error)

    async def _live(self) -> _Failure | None:
        """Go through one life; return why it failed, or None when it was stopped as asked."""
        spec = self._spec
        if self._stuck is not None and not self._stuck.over:
            return _Failure(f"process {self._stuck.pid} of its last life is still there", hopeless=True)
        self._stuck = None
        try:
            life = await ChildLife.begin(spec, self._notify_path, self._life_changed, self._policy.kill_timeout_s)
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            self._note(last_exit=None)  # there was no life that could have ended
            if isinstance(error, OSError) and error.strerror:
                place = f": {error.filename}" if error.filename else ""
                return _Failure(f"cannot be started: {error.strerror}{place}")
            return _Failure(f"cannot be started: {error}")
        self._life = life
        try:
            self._become(pid=life.pid)
            ready_s, error_text = await self._attend(spec, life)
        finally:
            gone = await life.end(self._policy.kill_timeout_s)
            self._stuck = None if gone else life
            self._life = self._stuck
            self._note(last_exit=life.exit, pid=None if gone else life.pid)
        if not gone:
            return _Failure(f"process {life.pid} does not end, not even after SIGKILL", hopeless=True)
        if self._stop_asked:
            return None
        last_words = f" (its last status: {life.status_text})" if life.status_text else ""
        text = f"{error_text or _ending(life)}{last_words}"
        return _Failure(text, ready_s, hopeless=life.exit == EX_CONFIG, exit=life.exit)

    async def _attend(self, spec: ProcessSpec, life: ChildLife) -> tuple[float, str]:
        """Follow a life until it is over, or to be ended by force; return how long it was ready, and what was wrong."""

        def enough() -> bool:
            return life.over or self._stop_asked

        if not await self._until(lambda: enough() or life.ready, spec.start_timeout_s, life):
            return 0.0, f"not ready within {spec.start_timeout_s:g} s"
        ready_s = 0.0
        if not enough():
            ready_at_s = self._clock()
            self._become(ProcessState.READY, status_text=life.status_text)
            await self._until(lambda: enough() or life.says_stopping, None, life)
            ready_s = self._clock() - ready_at_s
        if life.over:
            return ready_s, ""
        if self._stop_asked and not self._kill_asked:
            life.terminate()
        self._become(ProcessState.STOPPING, status_text=life.status_text)
        if not await self._until(lambda: life.over or self._kill_asked, spec.stop_timeout_s, life):
            _LOGGER.warning("%s: did not stop within %g s: killed", spec.name, spec.stop_timeout_s)
            return ready_s, f"said it stops, and did not within {spec.stop_timeout_s:g} s"
        return ready_s, ""

    async def _until(
        self, condition: Callable[[], bool], timeout_s: float | None, life: ChildLife | None = None
    ) -> bool:
        """Wait for `condition`, publishing the status texts of `life` meanwhile; return whether it came in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._wake.clear()
                    if life is not None:
                        self._become(status_text=life.status_text)
                    await self._wake.wait()
        return condition()

    def _life_changed(self) -> None:
        self._wake.set()
        if self._stuck is not None and self._stuck.over:
            self._become(pid=None, last_exit=self._stuck.exit)  # at last

    def _become(self, state: ProcessState | None = None, **changes: Any) -> None:
        before = self._status
        self._note(**changes)
        if state is not None and state is not before.state:
            self._note(state=state, since=time.time())
            pid = "" if self._status.pid is None else f" (process {self._status.pid})"
            _LOGGER.info("%s: %s%s", self._spec.name, state, pid)
        if self._status != before:
            self._publish(self._status)

    def _note(self, **changes: Any) -> None:
        """Change the status without telling: a change of state that everybody hears of follows at once."""
        self._status = replace(self._status, **changes)


def _ending(life: ChildLife) -> str:
    if life.exit == EX_CONFIG:
        return f"its configuration cannot be used (exit code {EX_CONFIG})"
    return f"ended by itself with exit code {life.exit}" if isinstance(life.exit, int) else f"killed by {life.exit}"
