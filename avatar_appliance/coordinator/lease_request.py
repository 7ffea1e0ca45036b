"""A request's wish to use one worker of a ladder, as the scheduler sees it."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_appliance.leases.urgency import Urgency

LeaseId = str
"""Chosen by who asks; unique for ever (it names the process and counts)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRequest:
    """`ladder` is best first; times are of the coordinator's monotonic clock, in seconds."""

    lease_id: LeaseId
    ladder: tuple[str, ...]
    urgency: Urgency
    deadline_s: float
    """When it is answered at the latest."""
    warm: tuple[str, ...] = ()
    """Workers that will be wanted next: started if they fit beside everything else, never evicting for it."""
    client: str = ""
    """The process that asks, for people: "tts"."""
