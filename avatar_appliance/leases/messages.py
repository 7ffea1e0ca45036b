"""The messages on the lease socket, framed as Wyoming events.

    data plane                          coordinator
    LeaseWanted      ------------->
                     <-------------     LeaseGiven | LeaseDenied      exactly one of them
    UrgencyTold      ------------->
                     <-------------     LeaseRevoked                  the worker died under it
    LeaseEnded       ------------->                                   cancelled, or given back
    LeaseHeld        ------------->                                   after a reconnect, for each lease still in use
    ping             ------------->
                     <-------------     pong                          everything before the ping was taken

The end of the connection ends all its leases and requests. What cannot be used is answered with `error`, and the
connection closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeVar

from pydantic import ConfigDict, Field, StringConstraints
from wyoming.event import Event

from avatar_appliance.errors import BadRequest
from avatar_appliance.wire import FrameLimits
from avatar_appliance.wire.typed import decode, encode

from .urgency import UrgencyName

COORDINATOR_SOCKET = "coordinator.sock"
"""In the runtime folder."""
LIMITS = FrameLimits(header_bytes=4096, data_bytes=16 * 1024, payload_bytes=0)
MOST_LEASES = 64
"""Open requests and leases of one connection."""
MOST_RUNGS = 32
MOST_TEXT_CHARS = 512
LONGEST_WAIT_S = 60.0

LeaseId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")]
WorkerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Ladder = Annotated[tuple[WorkerName, ...], Field(max_length=MOST_RUNGS)]
Text = Annotated[str, StringConstraints(max_length=MOST_TEXT_CHARS)]

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseWanted:
    """Ask for one worker of `ladder`, best first; answered within `wait_s`."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-wanted"

    lease_id: LeaseId
    ladder: Annotated[Ladder, Field(min_length=1)]
    urgency: UrgencyName
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)]
    warm: Ladder = ()
    """Workers that will be wanted next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGiven:
    """Use `worker`; `degraded` says which better one it is not, and why."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-given"

    lease_id: LeaseId
    worker: WorkerName
    degraded: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseDenied:
    """Nobody can do it now; asking again may help after `retry_after_s`."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-denied"

    lease_id: LeaseId
    code: Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    text: Text
    retry_after_s: Annotated[float, Field(ge=0, le=86_400)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRevoked:
    """The worker behind a lease is gone; the lease has ended."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-revoked"

    lease_id: LeaseId
    worker: WorkerName


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnded:
    """The request is wanted no longer, or its worker has really stopped computing for it."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-ended"

    lease_id: LeaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHeld:
    """Declare a lease that an earlier life of the coordinator gave."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-held"

    lease_id: LeaseId
    worker: WorkerName
    urgency: UrgencyName


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgencyTold:
    """The holder computes now, or no longer, or with other urgency."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-urgency"

    lease_id: LeaseId
    urgency: UrgencyName


Told = LeaseWanted | UrgencyTold | LeaseEnded | LeaseHeld
"""What a data-plane process says."""
Answered = LeaseGiven | LeaseDenied | LeaseRevoked
"""What the coordinator says."""
TOLD: tuple[type[Told], ...] = (LeaseWanted, UrgencyTold, LeaseEnded, LeaseHeld)
ANSWERED: tuple[type[Answered], ...] = (LeaseGiven, LeaseDenied, LeaseRevoked)

_Message = TypeVar("_Message", Told, Answered)


def to_event(message: Told | Answered) -> Event:
    """Return a message as it travels."""
    return encode(message.event_type, message)


def from_event(event: Event, kinds: tuple[type[_Message], ...]) -> _Message:
    """Return the message an event carries, one of `kinds`; raises BadRequest for everything else."""
    for kind in kinds:
        if kind.event_type == event.type:
            return decode(kind.event_type, kind, event)
    raise BadRequest("that is no message of this socket")
