"""The list of interfaces agrees with the system this runs on."""

from __future__ import annotations

import socket
import struct
import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import ifaddr
import pytest

from avatar_appliance.discovery import interfaces as module
from avatar_appliance.discovery import list_interfaces
from avatar_appliance.discovery.netlink import AddressFlag, _address, _messages, address_flags

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="netlink, sysfs and procfs are Linux")


def test_loopback_is_known_as_such() -> None:
    found = [i for i in list_interfaces() if any(a.ip == IPv4Address("127.0.0.1") for a in i.addresses)]
    assert [(i.loopback, i.up) for i in found] == [(True, True)]


def test_every_address_of_the_system_is_listed_once() -> None:
    listed = sorted(str(a.ip) for i in list_interfaces() for a in i.addresses)
    known = sorted(str(ip.ip if ip.is_IPv4 else ip.ip[0]) for a in ifaddr.get_adapters() for ip in a.ips)
    assert listed == known


@linux_only
def test_the_kernel_tells_the_flags_of_every_address() -> None:
    flags = address_flags()
    assert AddressFlag.PERMANENT in flags[(socket.if_nametoindex("lo"), IPv4Address("127.0.0.1"))]
    assert {(i.index, a.ip) for i in list_interfaces() for a in i.addresses} == set(flags)


def _new_address(family: int, flags: int, *attributes: tuple[int, bytes]) -> bytes:
    body = struct.pack("=BBBBI", family, 64, 0, 0, 3)
    for kind, value in (*attributes, (8, struct.pack("=I", flags))):
        body += struct.pack("=HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def test_netlink_messages_are_read_with_their_attributes() -> None:
    temporary = IPv6Address("2001:db8::1")
    packet = _new_address(socket.AF_INET6, 0x101, (1, temporary.packed)) + _new_address(
        # Point-to-point: the other end under IFA_ADDRESS, ours under IFA_LOCAL, a label in between.
        socket.AF_INET,
        0x80,
        (1, b"\x0a\x00\x00\x01"),
        (3, b"tun0\0"),
        (2, b"\x0a\x00\x00\x02"),
    )
    found = {key: flags for _, body in _messages(memoryview(packet)) for key, flags in _address(body).items()}
    assert set(found) == {(3, temporary), (3, IPv4Address("10.0.0.2"))}
    assert AddressFlag.TEMPORARY in found[(3, temporary)]
    assert AddressFlag.PERMANENT not in found[(3, temporary)]
    assert found[(3, IPv4Address("10.0.0.2"))] == AddressFlag.PERMANENT


class FakeSystem:
    """Files of sysfs and procfs, adapters of ifaddr, and flags of netlink."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sysfs, self.procfs = tmp_path / "sys", tmp_path / "proc"
        self.procfs.mkdir()
        self.adapters: list[ifaddr.Adapter] = []
        self.flags: dict[tuple[int, IPv4Address | IPv6Address], AddressFlag] = {}
        monkeypatch.setattr(module, "_SYSFS", self.sysfs)
        monkeypatch.setattr(module, "_PROCFS", self.procfs)
        monkeypatch.setattr(module.ifaddr, "get_adapters", lambda: self.adapters)
        monkeypatch.setattr(module, "address_flags", lambda: self.flags)

    def add(self, name: str, index: int, *ips: ifaddr.IP, state: str = "up", flags: str = "0x1003") -> None:
        self.adapters.append(ifaddr.Adapter(name, name, list(ips), index=index))
        folder = self.sysfs / name.partition(":")[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "operstate").write_text(f"{state}\n")
        (folder / "flags").write_text(f"{flags}\n")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystem:
    return FakeSystem(tmp_path, monkeypatch)


def ip(address: str, prefix: int) -> ifaddr.IP:
    return ifaddr.IP(address if "." in address else (address, 0, 0), prefix, "name")


def test_cable_multicast_and_tunnel_are_read_from_sysfs(system: FakeSystem) -> None:
    system.add("eth0", 2, ip("192.168.1.5", 24))
    system.add("eth1", 3, ip("192.168.2.5", 24), state="down")
    system.add("wg0", 4, ip("10.8.0.1", 24), state="unknown", flags="0x91")
    found = {i.name: (i.up, i.multicast, i.point_to_point) for i in list_interfaces()}
    assert found == {"eth0": (True, True, False), "eth1": (False, True, False), "wg0": (True, False, True)}


def test_an_alias_belongs_to_its_interface(system: FakeSystem) -> None:
    system.add("eth0", 2, ip("192.168.1.5", 24))
    system.add("eth0:1", 2, ip("192.168.1.6", 24))
    (found,) = list_interfaces()
    assert [str(a.ip) for a in found.addresses] == ["192.168.1.5", "192.168.1.6"]


def test_default_routes_of_both_families_are_found(system: FakeSystem) -> None:
    for index, name in enumerate(("eth0", "eth1", "eth2", "eth3"), start=2):
        system.add(name, index, ip(f"10.0.{index}.1", 24))
    header = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    rows = [
        "eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0",
        "eth1 0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0",  # a subnet, not everything
        "eth3 00000000 00000000 0201 0 0 100 00000000 0 0 0",  # an unreachable route
    ]
    (system.procfs / "route").write_text(header + "\n".join(rows) + "\n")
    zero = "0" * 32
    (system.procfs / "ipv6_route").write_text(
        f"{zero} 00 {zero} 00 fe80{zero[4:]} 00000400 1 0 00000003 eth2\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 1 0 00200200 lo\n"
        f"fd00{zero[4:]} 40 {zero} 00 {zero} 00000100 1 0 00000001 eth1\n"
    )
    assert {i.name for i in list_interfaces() if i.default_route} == {"eth0", "eth2"}


def test_flags_of_addresses_reach_the_list(system: FakeSystem) -> None:
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "192.168.1.5", "192.168.1.6"]
    system.add("eth0", 2, *(ip(address, 64 if ":" in address else 24) for address in addresses))
    for address, flags in zip(addresses, (0x01, 0x20, 0x40, 0x44, 0x80, 0x01), strict=True):
        system.flags[(2, IPv6Address(address) if ":" in address else IPv4Address(address))] = AddressFlag(flags)
    (found,) = list_interfaces()
    assert [a.temporary for a in found.addresses] == [True, False, False, False, False, False]
    assert [a.deprecated for a in found.addresses] == [False, True, False, False, False, False]
    assert [a.tentative for a in found.addresses] == [False, False, True, False, False, False]
    assert [a.leased for a in found.addresses] == [True, True, True, True, False, True]


def test_where_nothing_more_is_known_an_interface_is_taken_for_usable(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_netlink() -> dict[tuple[int, IPv4Address | IPv6Address], AddressFlag]:
        raise OSError("not here")

    monkeypatch.setattr(module, "address_flags", no_netlink)
    system.adapters.append(ifaddr.Adapter("en0", "en0", [ip("192.168.1.5", 24)], index=5))
    system.adapters.append(ifaddr.Adapter("lo0", "lo0", [ip("127.0.0.1", 8)], index=1))
    ethernet, loopback = list_interfaces()
    assert (ethernet.up, ethernet.multicast, ethernet.loopback) == (True, True, False)
    assert not ethernet.addresses[0].tentative
    assert not ethernet.addresses[0].leased
    assert loopback.loopback
