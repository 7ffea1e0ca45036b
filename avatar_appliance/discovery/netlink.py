"""What the Linux kernel knows about each address: temporary, deprecated, tentative, on a lease.

getifaddrs, and so `ifaddr`, does not tell. One RTM_GETADDR dump (rtnetlink(7)) costs well under a
millisecond.
"""

from __future__ import annotations

import enum
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface index
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST_DUMP = 0x001 | 0x300
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_TIMEOUT_S = 1.0  # the kernel answers at once or not at all


class AddressFlag(enum.IntFlag):
    """The IFA_F_* bits used here (if_addr.h); for IPv4 the bit of TEMPORARY means SECONDARY."""

    TEMPORARY = 0x01
    OPTIMISTIC = 0x04
    DUPLICATE = 0x08
    DEPRECATED = 0x20
    TENTATIVE = 0x40
    PERMANENT = 0x80


def address_flags() -> dict[tuple[int, IPv4Address | IPv6Address], AddressFlag]:
    """Return the flags of each address by (interface index, address); raises OSError."""
    if not hasattr(socket, "AF_NETLINK"):
        raise OSError("this system has no netlink")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(_TIMEOUT_S)
        length = _HEADER.size + _ADDRESS.size
        kernel.send(_HEADER.pack(length, _RTM_GETADDR, _REQUEST_DUMP, 1, 0) + _ADDRESS.pack(0, 0, 0, 0, 0))
        found: dict[tuple[int, IPv4Address | IPv6Address], AddressFlag] = {}
        while True:
            packet = memoryview(kernel.recv(65536))
            for kind, body in _messages(packet):
                if kind == _NLMSG_DONE:
                    return found
                if kind == _NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", body)[0], "the kernel refused to list addresses")
                if kind == _RTM_NEWADDR:
                    found.update(_address(body))


def _messages(packet: memoryview) -> Iterator[tuple[int, memoryview]]:
    while len(packet) >= _HEADER.size:
        length, kind, _, _, _ = _HEADER.unpack_from(packet)
        yield kind, packet[_HEADER.size : length]
        packet = packet[max(_aligned(length), _HEADER.size) :]


def _address(body: memoryview) -> dict[tuple[int, IPv4Address | IPv6Address], AddressFlag]:
    family, _, flags, _, index = _ADDRESS.unpack_from(body)
    values = dict(_attributes(body[_ADDRESS.size :]))
    # On a point-to-point link IFA_ADDRESS is the other end, and IFA_LOCAL is ours.
    raw = values.get(_IFA_LOCAL, values.get(_IFA_ADDRESS))
    if raw is None or family not in (socket.AF_INET, socket.AF_INET6):
        return {}
    if _IFA_FLAGS in values:
        (flags,) = struct.unpack("=I", values[_IFA_FLAGS])
    ip = IPv4Address(raw) if family == socket.AF_INET else IPv6Address(raw)
    return {(index, ip): AddressFlag(flags)}


def _attributes(rest: memoryview) -> Iterator[tuple[int, bytes]]:
    while len(rest) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        yield kind, bytes(rest[_ATTRIBUTE.size : length])
        rest = rest[max(_aligned(length), _ATTRIBUTE.size) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3
