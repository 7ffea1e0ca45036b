"""One life of a child: from its spawn to the end of the last process in its group."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from .marked import kill_marked
from .notify_socket import NotifySocket
from .process import ProcessSpec
from .process_group import group_members, kill_group

_LOGGER = logging.getLogger(__name__)

# What systemd (or whoever runs us) told us, and only us.
_NOT_INHERITED = ("WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "MAINPID")
_STATUS_CHARS = 200
# Tells a child where to notify, and us which processes are its own, wherever they went.
_MARK = "NOTIFY_SOCKET"


class ChildLife:
    """A running child with its own session, process group and notify socket; `begin` makes one, `end` closes it."""

    def __init__(self, process: Process, notify: NotifySocket, changed: Callable[[], None]) -> None:
        self._process = process
        self._notify = notify
        self._changed = changed
        self.ready = False
        """It said READY=1."""
        self.says_stopping = False
        """It said STOPPING=1."""
        self.status_text = ""
        self._watching = asyncio.create_task(process.wait(), name=f"exit of process {process.pid}")
        self._watching.add_done_callback(lambda _: changed())
        notify.listen(process.pid, self._heard)

    @classmethod
    async def begin(
        cls, spec: ProcessSpec, notify_path: Path, changed: Callable[[], None], kill_timeout_s: float = 10.0
    ) -> Self:
        """Spawn `spec`; `changed` is called after each message and at the exit. Raises OSError.

        What an earlier life left (its parent was killed, say) is ended first: nothing runs twice.
        """
        await end_leftovers(spec.name, notify_path, kill_timeout_s)
        notify = NotifySocket(notify_path)
        inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
        try:
            process = await create_subprocess_exec(
                *spec.argv,
                stdin=DEVNULL,
                env={**inherited, **spec.env, _MARK: os.fspath(notify_path)},
                start_new_session=True,
            )
        except BaseException:
            notify.close()
            raise
        return cls(process, notify, changed)

    @property
    def pid(self) -> int:
        """Of the child itself, and the number of its process group."""
        return self._process.pid

    @property
    def over(self) -> bool:
        """The child itself has ended and is reaped."""
        return self._process.returncode is not None

    @property
    def exit(self) -> int | str | None:
        """How it ended: an exit code, or a signal's name such as "SIGKILL"; None while it runs."""
        code = self._process.returncode
        if code is None or code >= 0:
            return code
        try:
            return signal.Signals(-code).name
        except ValueError:  # a realtime signal has no name
            return f"signal {-code}"

    def pids(self) -> list[int]:
        """Return the processes of its group that have not ended."""
        return group_members(self.pid)

    def terminate(self) -> None:
        """Ask the child to end; its group is the child's own business until `end`."""
        # Not Process.terminate(): its poll() would reap a child that just ended and so hide the exit code from the
        # watcher of asyncio.
        if not self.over:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    async def end(self, kill_timeout_s: float) -> bool:
        """Kill whatever it left, close the socket; return whether the child is gone in time."""
        try:
            async with asyncio.timeout(kill_timeout_s):
                await kill_group(self.pid)
                await kill_marked(_MARK, os.fspath(self._notify.path))
                await self._process.wait()
        except TimeoutError:
            _LOGGER.error("process group %d is still there %g s after SIGKILL", self.pid, kill_timeout_s)
        finally:
            self._notify.close()
        return self.over

    def _heard(self, fields: Mapping[str, str]) -> None:
        self.ready |= fields.get("READY") == "1"
        self.says_stopping |= fields.get("STOPPING") == "1"
        if "STATUS" in fields:
            text = "".join(character if character.isprintable() else " " for character in fields["STATUS"])
            self.status_text = text[:_STATUS_CHARS].strip()
        self._changed()


async def end_leftovers(name: str, notify_path: Path, kill_timeout_s: float) -> None:
    """Kill what is left of earlier lives of `name`, wherever it went; raises TimeoutError when it does not end."""
    try:
        async with asyncio.timeout(kill_timeout_s):
            for pid in await kill_marked(_MARK, os.fspath(notify_path)):
                _LOGGER.warning("%s: process %d was left of an earlier life: killed", name, pid)
    except TimeoutError:
        raise TimeoutError("a process of an earlier life does not end, not even after SIGKILL") from None
