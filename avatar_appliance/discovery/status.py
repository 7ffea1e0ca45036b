"""What discovery is doing, for `avatar doctor` and the admin API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the owner may want to know: `code` to translate by, a sentence, and what can be done."""

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class IgnoredInterface:
    """A network interface that nothing is announced on, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class AnnouncedService:
    """One service as it is on the network, or why it is not (`reason`)."""

    role: str
    instance: str
    port: int
    announced: bool
    reason: Notice | None = None


@dataclass(frozen=True, slots=True)
class DiscoveryStatus:
    """A snapshot: `reason` says why nothing is announced, and is None when everything wanted is."""

    running: bool
    machine_id: str
    services: tuple[AnnouncedService, ...] = ()
    addresses: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    ignored: tuple[IgnoredInterface, ...] = ()
    reason: Notice | None = None
    warnings: tuple[Notice, ...] = ()
