"""What happened: the only input of the scheduler. Every event carries the time it is dealt with (`now_s`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from avatar_appliance.leases.urgency import Urgency

from .device import DeviceId
from .eviction import Eviction
from .lease_request import LeaseId, LeaseRequest


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: deadlines, keep-alives, back-offs and cool-downs are looked at."""


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody wants a lease."""

    request: LeaseRequest


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody wants it no longer: it was not granted yet, or is given back."""

    lease_id: LeaseId


@dataclass(frozen=True, slots=True)
class Released:
    """A lease ended, its worker has really stopped computing for it."""

    lease_id: LeaseId


@dataclass(frozen=True, slots=True)
class Declared:
    """After a restart of the coordinator: somebody holds this lease already."""

    lease_id: LeaseId
    worker: str
    urgency: Urgency
    client: str = ""


@dataclass(frozen=True, slots=True)
class UrgencyChanged:
    """The holder of a lease computes now, or no longer, or with other urgency."""

    lease_id: LeaseId
    urgency: Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSeen:
    """A reading: `used_bytes` by everybody; `own_bytes` by slot where the processes could be told apart."""

    device: DeviceId
    usable_bytes: int
    used_bytes: int
    own_bytes: Mapping[str, int | None] = field(default_factory=dict)
    """None: one of ours whose bytes the driver does not tell."""
    foreign_names: frozenset[str] = frozenset()
    """Programs of others that hold memory there (for guest mode)."""


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """The device cannot be read any more (driver reset, fell off the bus): nothing is started there."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class DevicesSeen:
    """One look at all devices: nothing is decided on half of it (a start on a GPU takes RAM, too)."""

    devices: tuple[DeviceSeen | DeviceLost, ...]


StartFailure = Literal["out-of-memory", "timeout", "crashed", "config", "unavailable"]


@dataclass(frozen=True, slots=True)
class Started:
    """A start ended well: the worker answered a real probe. Bytes are None where they could not be measured."""

    worker: str
    rest_bytes: int | None = None
    peak_bytes: int | None = None
    start_s: float | None = None


@dataclass(frozen=True, slots=True)
class StartFailed:
    """A start ended badly; its process is gone."""

    worker: str
    failure: StartFailure


@dataclass(frozen=True, slots=True)
class Exited:
    """A worker that was up ended by itself; what it held may still have to come back."""

    worker: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop that was asked for is done: no process is left."""

    worker: str


@dataclass(frozen=True, slots=True)
class MemoryReturned:
    """The probe saw the memory of an ended worker come back, or has waited long enough and is trusted instead."""

    worker: str
    residue_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FellAsleep:
    """A worker sleeps and holds `bytes_left` on its device."""

    worker: str
    bytes_left: int | None = None


@dataclass(frozen=True, slots=True)
class SleepFailed:
    """It would not sleep; it is up as before."""

    worker: str


@dataclass(frozen=True, slots=True)
class Woke:
    """It is awake and ready."""

    worker: str


@dataclass(frozen=True, slots=True)
class WakeFailed:
    """It would not wake: it still sleeps (`out-of-memory`), or is broken."""

    worker: str
    failure: StartFailure


@dataclass(frozen=True, slots=True)
class Adopted:
    """A worker was found running when the coordinator started."""

    worker: str
    device: DeviceId
    asleep: bool = False
    rest_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StartWanted:
    """A person wants it up; `eviction` says who may go for it."""

    worker: str
    eviction: Eviction = Eviction.LOWER


@dataclass(frozen=True, slots=True)
class StopWanted:
    """A person wants it down, until somebody wants it up: leases end it first only with `force`."""

    worker: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class SleepWanted:
    """A person wants it asleep."""

    worker: str


@dataclass(frozen=True, slots=True)
class PinChanged:
    """A person pins a worker, or lets it go."""

    worker: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class GuestModeChanged:
    """Somebody else shall have the GPUs (`on`), nobody (`off`), or whoever needs them (`auto`)."""

    mode: Literal["on", "off", "auto"]
    until_s: float | None = None


Event = (
    Tick
    | Requested
    | Cancelled
    | Released
    | Declared
    | UrgencyChanged
    | DeviceSeen
    | DeviceLost
    | DevicesSeen
    | Started
    | StartFailed
    | Exited
    | Stopped
    | MemoryReturned
    | FellAsleep
    | SleepFailed
    | Woke
    | WakeFailed
    | Adopted
    | StartWanted
    | StopWanted
    | SleepWanted
    | PinChanged
    | GuestModeChanged
)
