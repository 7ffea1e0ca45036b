"""Where discovery meets the machine; tests put their own in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .interfaces import NetworkInterface, list_interfaces
from .selection import Link, multicast_sockets


@dataclass(frozen=True, slots=True)
class Network:
    """How interfaces are listed, and where zeroconf binds for links (IPv4 addresses, IPv6 indexes)."""

    list_interfaces: Callable[[], Iterable[NetworkInterface]] = list_interfaces
    sockets_for: Callable[[Sequence[Link]], list[str | int]] = multicast_sockets
