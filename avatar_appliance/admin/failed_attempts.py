"""How often an address may be wrong before it has to wait."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network


class FailedAttempts:
    """Counts wrong tokens per address: `burst` at once, then one per `interval_s`; remembers `max_peers`."""

    def __init__(
        self,
        *,
        burst: int = 10,
        interval_s: float = 6.0,
        max_peers: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count with the given limits; `clock` returns seconds."""
        self._interval_s = interval_s
        self._slack_s = (burst - 1) * interval_s
        self._max_peers = max_peers
        self._clock = clock
        # When each address has paid for its failures, one interval each (the generic cell rate algorithm):
        # one number per address says everything.
        self._paid_at: OrderedDict[str, float] = OrderedDict()

    @property
    def peers(self) -> int:
        """How many addresses are remembered."""
        return len(self._paid_at)

    def wait_s(self, address: str | None) -> float:
        """Return how long this address has to wait before it may try again; 0 is now."""
        return max(0.0, self._paid_at.get(_peer(address), 0.0) - self._clock() - self._slack_s)

    def add(self, address: str | None) -> None:
        """Count one failure; the address that failed longest ago is forgotten when there are too many."""
        peer = _peer(address)
        self._paid_at[peer] = max(self._paid_at.get(peer, 0.0), self._clock()) + self._interval_s
        self._paid_at.move_to_end(peer)
        if len(self._paid_at) > self._max_peers:
            self._paid_at.popitem(last=False)


def _peer(address: str | None) -> str:
    """Return what counts as one peer: an IPv4 address, or an IPv6 /64, all of which belongs to one machine."""
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((int(ip), 64), strict=False))
    return str(ip)
