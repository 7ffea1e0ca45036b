"""What the rest of the house knows of a process manager: children of ours, or units of systemd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from .changes import ChangeStream
from .process import ProcessSpec, ProcessStatus


class ProcessManager(Protocol):
    """Starts, stops and watches processes by name.

    What ended by itself it starts again by itself, unless its spec says `restart=False`.
    """

    async def start(self, spec: ProcessSpec) -> None:
        """Begin to start `spec` and return at once; nothing happens if it is starting or ready already.

        Whether it becomes ready is seen in `changes`. Raises ConfigError when it can never run as configured, and
        ShuttingDown while everything is being stopped.
        """
        ...

    async def stop(self, name: str) -> None:
        """Stop `name` and return when no process of it is left; raises ProcessUnknown."""
        ...

    async def kill(self, name: str) -> None:
        """End `name` with SIGKILL, also in the middle of a stop, and every process it left; as `stop` otherwise."""
        ...

    async def restart(self, name: str) -> None:
        """Stop `name`, then begin to start it as last given to `start`; raises ProcessUnknown, ShuttingDown."""
        ...

    def statuses(self) -> Mapping[str, ProcessStatus]:
        """Return how each process is at this moment, by name, in the order of their first start."""
        ...

    def pids(self, name: str) -> Sequence[int]:
        """Return the processes of `name` at this moment, those it started included; raises ProcessUnknown."""
        ...

    def changes(self) -> ChangeStream:
        """Open a stream of every change of a status from now on."""
        ...
