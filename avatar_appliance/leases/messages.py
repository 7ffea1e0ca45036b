"""The messages on the lease socket, framed as Wyoming events.

    data plane                          coordinator
    LeaseWanted      ------------->
                     <-------------     LeaseGiven | LeaseDenied      exactly one of them
    UrgencyTold      ------------->
                     <-------------     LeaseRevoked                  the worker died under it
    LeaseEnded       ------------->                                   cancelled, or given back
    LeaseHeld        ------------->                                   after a reconnect, for each lease still in use

The end of the connection ends all its leases and requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

LeaseId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")]
WorkerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Ladder = Annotated[tuple[WorkerName, ...], Field(max_length=32)]
UrgencyName = Literal["final", "first", "later", "background", "idle"]
Text = Annotated[str, StringConstraints(max_length=512)]

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseWanted:
    """Ask for one worker of `ladder`, best first; answered within `wait_s`."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "lease-wanted"

    lease_id: LeaseId
    ladder: Annotated[Ladder, Field(min_length=1)]
    urgency: UrgencyName
    wait_s: Annotated[float, Field(ge=0, le=60)]
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
