"""The network interfaces of this machine, as values.

`ifaddr` lists the addresses everywhere; on Linux sysfs, procfs and netlink add what else matters. A file that
cannot be read (another system, a hardened unit) means "nothing against this interface". Only /proc/self is
read, which a unit with ProcSubset=pid still has; netlink needs AF_NETLINK in RestrictAddressFamilies=.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import ifaddr

from .netlink import AddressFlag, address_flags

IPAddress = IPv4Address | IPv6Address

_SYSFS = Path("/sys/class/net")
_PROCFS = Path("/proc/self/net")
_IFF_LOOPBACK, _IFF_POINTOPOINT, _IFF_MULTICAST = 0x8, 0x10, 0x1000
_RTF_UP, _RTF_REJECT = 0x1, 0x200
_NO_FLAGS = AddressFlag.PERMANENT


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address of an interface, with what the kernel says about its life."""

    ip: IPAddress
    prefix_length: int
    temporary: bool = False
    """An IPv6 privacy address: another one tomorrow."""
    deprecated: bool = False
    """Still answered, but on its way out."""
    tentative: bool = False
    """Not usable: duplicate detection runs, or has failed."""
    leased: bool = False
    """Has an end of life: DHCP (IPv4) or router advertisements (IPv6)."""


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One interface: name, index, addresses, and what decides whether mDNS makes sense on it."""

    name: str
    index: int
    addresses: tuple[InterfaceAddress, ...]
    up: bool = True
    loopback: bool = False
    multicast: bool = True
    point_to_point: bool = False
    default_route: bool = False


def list_interfaces() -> tuple[NetworkInterface, ...]:
    """Return every interface that has an address, in the kernel's order; raises OSError."""
    try:
        flags = address_flags()
    except OSError:
        flags = {}
    gateways = _default_route_interfaces()
    found: dict[str, tuple[int, list[InterfaceAddress]]] = {}
    for adapter in ifaddr.get_adapters():
        name = adapter.name.partition(":")[0]  # "eth0:1" is a label of eth0, not an interface
        index, addresses = found.setdefault(name, (adapter.index or 0, []))
        for entry in adapter.ips:
            ip = ip_address(entry.ip if isinstance(entry.ip, str) else entry.ip[0].partition("%")[0])
            addresses.append(_described(ip, entry.network_prefix, flags.get((index, ip), _NO_FLAGS)))
    return tuple(
        _interface(name, index, tuple(addresses), name in gateways) for name, (index, addresses) in found.items()
    )


def _described(ip: IPAddress, prefix_length: int, flags: AddressFlag) -> InterfaceAddress:
    return InterfaceAddress(
        ip,
        prefix_length,
        temporary=ip.version == 6 and AddressFlag.TEMPORARY in flags,
        deprecated=AddressFlag.DEPRECATED in flags,
        tentative=AddressFlag.DUPLICATE in flags
        or (AddressFlag.TENTATIVE in flags and AddressFlag.OPTIMISTIC not in flags),
        leased=AddressFlag.PERMANENT not in flags,
    )


def _interface(name: str, index: int, addresses: tuple[InterfaceAddress, ...], default_route: bool) -> NetworkInterface:
    loopback = all(address.ip.is_loopback for address in addresses)
    state = _text(_SYSFS / name / "operstate").strip()
    bits = _text(_SYSFS / name / "flags").strip()
    flags = int(bits, 16) if bits else _IFF_MULTICAST | (_IFF_LOOPBACK if loopback else 0)
    return NetworkInterface(
        name,
        index,
        addresses,
        up=state in {"", "up", "unknown"},  # loopback and tunnels say "unknown"
        loopback=bool(flags & _IFF_LOOPBACK),
        multicast=bool(flags & _IFF_MULTICAST),
        point_to_point=bool(flags & _IFF_POINTOPOINT),
        default_route=default_route,
    )


def _default_route_interfaces() -> frozenset[str]:
    names = set()
    for line in _text(_PROCFS / "route").splitlines()[1:]:
        name, destination, _, flags, _, _, _, mask, *_ = line.split()
        if destination == mask == "00000000" and _is_usable_route(flags):
            names.add(name)
    for line in _text(_PROCFS / "ipv6_route").splitlines():
        destination, length, *_, flags, name = line.split()
        if int(destination, 16) == 0 and length == "00" and _is_usable_route(flags):
            names.add(name)
    return frozenset(names)


def _is_usable_route(flags: str) -> bool:
    return int(flags, 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
