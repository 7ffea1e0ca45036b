"""What shall be done: the only output of the scheduler. The shell carries actions out; their ends are events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .device import DeviceId
from .lease_request import LeaseId

DenyCode = Literal["no-memory", "worker-loading", "worker-failed", "server-full", "guest-mode", "worker-unavailable"]


@dataclass(frozen=True, slots=True)
class Start:
    """Start the worker's process on a device; ends in Started or StartFailed."""

    worker: str
    device: DeviceId
    charge_bytes: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End the worker's process; ends in Stopped, then MemoryReturned."""

    worker: str


@dataclass(frozen=True, slots=True)
class WatchMemory:
    """The process of a worker ended: see its memory come back; ends in MemoryReturned."""

    worker: str
    device: DeviceId


@dataclass(frozen=True, slots=True)
class Sleep:
    """Put the worker to sleep; ends in FellAsleep or SleepFailed."""

    worker: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Wake the worker; ends in Woke or WakeFailed."""

    worker: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a request: use this worker. `degraded` says which better one it is not, and why."""

    lease_id: LeaseId
    worker: str
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The answer to a request: nobody can do it now. `text` is for people."""

    lease_id: LeaseId
    code: DenyCode
    text: str
    retry_after_s: float | None = None
    """When asking again may help; None: not before something changes."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """The worker behind a granted lease is gone."""

    lease_id: LeaseId
    worker: str


Action = Start | Stop | WatchMemory | Sleep | Wake | Grant | Deny | Revoke
