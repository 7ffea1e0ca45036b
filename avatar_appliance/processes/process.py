"""The values everybody speaks of: what to run, and how it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from avatar_appliance.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class ProcessState(StrEnum):
    """Where in its life a process is."""

    STOPPED = "stopped"
    """Not running, and nobody wants it to."""
    STARTING = "starting"
    """On its way to ready; with `pid` None it waits out a back-off before the next try."""
    READY = "ready"
    """It said READY=1."""
    STOPPING = "stopping"
    """Told to stop, or it said STOPPING=1 by itself."""
    FAILED = "failed"
    """Given up, for good or (a crash loop) until a cool-down is over."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run; raises ConfigError for a name that is no plain file name, an empty `argv` or a time <= 0."""

    name: str
    argv: tuple[str, ...]
    role: str
    """The group it belongs to, such as "worker" or "server"; groups stop one after the other."""
    start_timeout_s: float
    stop_timeout_s: float = 10.0
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of this process."""
    restart: bool = True
    """Start it again when it ends by itself. False: it has one life, which ends `failed` (after exit code 0 `stopped`),
    and whoever asked for it decides what comes next."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"process name {self.name!r} may have only letters, digits, '-', '_' and '.'")
        if not self.argv:
            raise ConfigError(f"process {self.name}: there is no command to run")
        if self.start_timeout_s <= 0 or self.stop_timeout_s <= 0:
            raise ConfigError(f"process {self.name}: start and stop timeouts must be above 0 s")


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How one process is at one moment."""

    name: str
    state: ProcessState
    since: float
    """When it came into this state, in seconds since the epoch."""
    status_text: str = ""
    """Its own last STATUS=, or what we wait for."""
    pid: int | None = None
    restarts: int = 0
    """Restarts nobody asked for, since somebody last asked."""
    last_exit: int | str | None = None
    """How its last life ended: an exit code or a signal's name."""
    last_error: str = ""
    """Why it last failed or ended by itself, for people; cleared when somebody asks for a new start."""
