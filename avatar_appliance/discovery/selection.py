"""Which addresses Home Assistant is told, and on which interfaces: pure decisions on values.

Home Assistant keeps the address it saw first for ever, skips link-local and unspecified ones, and takes any
IPv4 address before any IPv6 one. So an address is told only where it can be reached: on its own interface
(RFC 6762, section 6.2, demands the same), never on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from . import notices
from .interfaces import InterfaceAddress, IPAddress, NetworkInterface
from .status import IgnoredInterface, Notice

# Made by container engines and hypervisors: nobody but their guests can reach an address there. A plain `br0`
# is not among them, and whatever carries the default route is the home network under any name.
_VIRTUAL = re.compile(
    r"(docker|podman|cni|flannel|cilium|cali|kube|veth|vnet|virbr|lxcbr|lxdbr|incusbr|vmnet|vboxnet|br-|tap)[\w.@-]*"
)


@dataclass(frozen=True, slots=True)
class Link:
    """An interface to speak mDNS on: what is told there, and what belongs to it."""

    name: str
    index: int
    announced: tuple[IPAddress, ...]
    """What Home Assistant is told on this link, best first."""
    usable: tuple[IPAddress, ...]
    """The interface's own addresses other machines can reach."""
    own: frozenset[IPAddress]
    """Every address of the interface, link-local ones too."""
    networks: frozenset[IPv4Network | IPv6Network]
    """The subnets of `own`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The decision: where and what to announce, or the reason for nothing, and what to warn of."""

    links: tuple[Link, ...]
    reason: Notice | None = None
    warnings: tuple[Notice, ...] = ()
    ignored: tuple[IgnoredInterface, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Everything announced, on whichever link, best first and each once."""
        return tuple(dict.fromkeys(str(ip) for link in self.links for ip in link.announced))


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner configured.

    `bind_host` is the address the servers listen on (`0.0.0.0`: IPv4 only, `::`: both families). `addresses`
    are announced as they are, on every interface, instead of the machine's own. `interfaces` (names, or
    patterns such as `enp*`) limits the interfaces used, and allows virtual ones.
    """

    bind_host: str = "0.0.0.0"  # noqa: S104 - what the servers bind, nothing is bound here
    addresses: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for address in (self.bind_host, *self.addresses):
            ip_address(address)  # ValueError names the address


def select(interfaces: Iterable[NetworkInterface], policy: Policy) -> Selection:
    """Decide what to announce on which of `interfaces`."""
    bind = ip_address(policy.bind_host)
    explicit = tuple(ip_address(address) for address in policy.addresses)
    present = [interface for interface in interfaces if not interface.loopback]
    warnings = tuple(notices.never_usable(ip) for ip in explicit if ip.is_unspecified)
    explicit = tuple(ip for ip in explicit if not ip.is_unspecified)
    warnings += tuple(notices.skipped_link_local(ip) for ip in explicit if ip.is_link_local)
    if not explicit:
        if bind.is_loopback:
            return Selection((), notices.bound_to_loopback(bind), warnings)
        if bind.is_link_local:
            return Selection((), notices.bound_to_link_local(bind), warnings)
        if not bind.is_unspecified and not any(a.ip == bind for i in present for a in i.addresses):
            return Selection((), notices.address_absent(bind), warnings)
    ignored: list[IgnoredInterface] = []
    links: list[Link] = []
    other_family = False
    for interface in sorted(present, key=lambda i: (not i.default_route, i.index)):
        usable = _usable(interface.addresses, bind)
        if why := _objection(interface, usable, bind, policy.interfaces):
            ignored.append(IgnoredInterface(interface.name, why))
            continue
        announced = explicit or _served(usable, bind)
        if announced:
            links.append(_link(interface, usable, announced))
        else:
            ignored.append(IgnoredInterface(interface.name, f"the servers listen on {bind} only"))
            other_family = bind.is_unspecified
    reason = None if links else notices.no_network(ignored, other_family=other_family)
    leased = [] if explicit else _leased(present, links)
    warnings += tuple(notices.address_leased(ip, name) for ip, name in leased)
    return Selection(tuple(links), reason, warnings, tuple(ignored))


def multicast_sockets(links: Sequence[Link]) -> list[str | int]:
    """Return where zeroconf binds: one IPv4 address a link (it joins by address), its index for IPv6."""
    sockets: list[str | int] = []
    for link in links:
        own_ipv4 = [str(ip) for ip in link.usable if ip.version == 4]
        sockets += own_ipv4[:1]
        if any(ip.version == 6 for ip in link.usable) and (
            not own_ipv4 or any(ip.version == 6 for ip in link.announced)
        ):
            sockets.append(link.index)
    return sockets


def _usable(addresses: Iterable[InterfaceAddress], bind: IPAddress) -> tuple[IPAddress, ...]:
    reachable = [
        address
        for address in addresses
        if not address.tentative
        and not address.ip.is_unspecified
        and not address.ip.is_loopback
        and not address.ip.is_link_local
        and not address.ip.is_multicast
        and not (isinstance(address.ip, IPv6Address) and address.ip.ipv4_mapped)
    ]
    chosen: list[IPAddress] = []
    for version in (4, 6):
        family = [address for address in reachable if address.ip.version == version]
        # Home Assistant would keep tomorrow's dead address: it gets one only where there is no lasting one.
        lasting = [address for address in family if not (address.temporary or address.deprecated)]
        chosen += [address.ip for address in family if address in (lasting or family) or address.ip == bind]
    return tuple(chosen)


def _objection(
    interface: NetworkInterface, usable: Sequence[IPAddress], bind: IPAddress, wanted: Sequence[str]
) -> str | None:
    if wanted and not any(fnmatchcase(interface.name, pattern) for pattern in wanted):
        return "not among `discovery.interfaces`"
    if not interface.up:
        return "down, or no cable"
    asked_for = bool(wanted) or bind in usable
    if _VIRTUAL.fullmatch(interface.name) and not (interface.default_route or asked_for):
        return "made by a container engine or hypervisor"
    if not interface.multicast:
        return "cannot multicast"
    if interface.point_to_point and not asked_for:
        return "a tunnel (VPN)"
    return None if usable else "no address other machines can reach"


def _served(usable: Sequence[IPAddress], bind: IPAddress) -> tuple[IPAddress, ...]:
    if not bind.is_unspecified:
        return tuple(ip for ip in usable if ip == bind)
    return tuple(ip for ip in usable if ip.version == 4 or bind.version == 6)


def _link(interface: NetworkInterface, usable: tuple[IPAddress, ...], announced: tuple[IPAddress, ...]) -> Link:
    networks = (ip_network((int(a.ip), a.prefix_length), strict=False) for a in interface.addresses)
    own = frozenset(address.ip for address in interface.addresses)
    return Link(interface.name, interface.index, announced, usable, own, frozenset(networks))


def _leased(interfaces: Iterable[NetworkInterface], links: Sequence[Link]) -> list[tuple[IPAddress, str]]:
    announced = {ip for link in links for ip in link.announced}
    # An IPv6 address from a router advertisement has an end of life too, but it is renewed for ever.
    return [
        (address.ip, interface.name)
        for interface in interfaces
        for address in interface.addresses
        if address.leased and isinstance(address.ip, IPv4Address) and address.ip in announced
    ]
