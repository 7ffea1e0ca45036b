"""A zeroconf that tells each network only the addresses that are valid there.

python-zeroconf multicasts one packet, with every address of a service, on all interfaces. Home Assistant then
takes one at random, perhaps that of a VPN or a storage network it cannot reach. RFC 6762, section 6.2: a
responder must not send addresses that are not valid on the interface it sends on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from zeroconf import Zeroconf
from zeroconf.const import _MDNS_PORT, _TYPE_A, _TYPE_AAAA

from .selection import Link

if TYPE_CHECKING:
    from zeroconf._dns import DNSRecord
    from zeroconf._protocol.outgoing import DNSOutgoing
    from zeroconf._transport import _WrappedTransport

# It logs a traceback for each packet a pulled cable refuses; `DiscoveryStatus` says what is the matter, once.
logging.getLogger("zeroconf").setLevel(logging.CRITICAL)

_ADDRESS_TYPES = frozenset({_TYPE_A, _TYPE_AAAA})


class LinkScopedZeroconf(Zeroconf):
    """Zeroconf that tells, on each of `links`, its addresses only; a sender on no known link tells all."""

    links: tuple[Link, ...] = ()

    def async_send(
        self,
        out: DNSOutgoing,
        addr: str | None = None,
        port: int = _MDNS_PORT,
        v6_flow_scope: tuple[()] | tuple[int, int] = (),
        transport: _WrappedTransport | None = None,
    ) -> None:
        """Send `out` as Zeroconf does, without the addresses that do not belong on the link it leaves by."""
        if len({link.announced for link in self.links}) < 2:
            super().async_send(out, addr, port, v6_flow_scope, transport)
        elif addr is not None:
            # A unicast answer leaves by the shared listening socket: only its destination tells the link.
            link = self._link_towards(addr, v6_flow_scope)
            self._send_restricted(out, link, addr, port, v6_flow_scope, transport)
        else:
            for sender in [transport] if transport else list(self.engine.senders):
                link = self._link_of(sender)
                self._send_restricted(out, link, addr, port, v6_flow_scope, sender)

    def _send_restricted(
        self,
        out: DNSOutgoing,
        link: Link | None,
        addr: str | None,
        port: int,
        v6_flow_scope: tuple[()] | tuple[int, int],
        transport: _WrappedTransport | None,
    ) -> None:
        packet = out if link is None else _restricted(out, link)
        if packet.questions or packet.answers or packet.authorities:
            super().async_send(packet, addr, port, v6_flow_scope, transport)

    def _link_of(self, sender: _WrappedTransport) -> Link | None:
        scope = sender.sock_name[3] if sender.is_ipv6 else 0
        own = ip_address(str(sender.sock_name[0]).partition("%")[0])
        return next((link for link in self.links if link.index == scope or (not scope and own in link.own)), None)

    def _link_towards(self, addr: str, v6_flow_scope: Sequence[int]) -> Link | None:
        scope = v6_flow_scope[1] if len(v6_flow_scope) > 1 else 0
        there = ip_address(addr.partition("%")[0])
        if isinstance(there, IPv6Address) and there.ipv4_mapped:
            there = there.ipv4_mapped  # how a socket of both families shows an IPv4 asker
        return next(
            (
                link
                for link in self.links
                if link.index == scope or (not scope and any(there in network for network in link.networks))
            ),
            None,
        )


def _restricted(out: DNSOutgoing, link: Link) -> DNSOutgoing:
    valid = {ip.packed for ip in link.announced}

    def belongs(record: DNSRecord) -> bool:
        # A goodbye (TTL 0) may go everywhere: the address it takes back belongs to no link any more.
        return record.type not in _ADDRESS_TYPES or record.ttl == 0 or getattr(record, "address", b"") in valid

    copy = type(out)(out.flags, out.multicast, out.id)
    copy.questions = list(out.questions)
    copy.answers = [(record, now) for record, now in out.answers if belongs(record)]
    copy.authorities = list(out.authorities)
    copy.additionals = [record for record in out.additionals if belongs(record)]
    return copy
