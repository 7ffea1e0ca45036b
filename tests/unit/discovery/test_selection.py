"""Which addresses are announced, and where: what Home Assistant cannot use it is never told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from avatar_appliance.discovery import NetworkInterface, Policy
from avatar_appliance.discovery.selection import Selection, multicast_sockets, select

Make = Callable[..., NetworkInterface]
ANY = Policy("::")


def told(selection: Selection) -> dict[str, list[str]]:
    return {link.name: [str(ip) for ip in link.announced] for link in selection.links}


def code(selection: Selection) -> str | None:
    return selection.reason.code if selection.reason else None


@pytest.fixture
def loopback(make_interface: Make) -> NetworkInterface:
    return make_interface("lo", "127.0.0.1/8", "::1/128", index=1, loopback=True, multicast=False)


def test_each_network_is_told_its_own_address_only(make_interface: Make, loopback: NetworkInterface) -> None:
    lan = make_interface("eth0", "192.168.1.5/24", index=2, default_route=True)
    iot = make_interface("eth1", "10.20.0.5/24", index=3)
    selection = select([loopback, iot, lan], Policy())
    assert told(selection) == {"eth0": ["192.168.1.5"], "eth1": ["10.20.0.5"]}
    assert selection.addresses == ("192.168.1.5", "10.20.0.5")  # the home network first
    assert selection.reason is None


def test_loopback_link_local_and_unspecified_addresses_are_never_announced(
    make_interface: Make, loopback: NetworkInterface
) -> None:
    lan = make_interface(
        "eth0",
        "192.168.1.5/24",
        "169.254.7.7/16",
        "0.0.0.0/8",
        "127.0.0.9/8",
        "fe80::1/64",
        "::/128",
        "fd00::5/64",
    )
    assert told(select([loopback, lan], ANY)) == {"eth0": ["192.168.1.5", "fd00::5"]}


def test_global_and_unique_local_ipv6_are_announced_when_the_servers_speak_ipv6(make_interface: Make) -> None:
    lan = make_interface("eth0", "192.168.1.5/24", "2001:db8::5/64", "fd12::5/64")
    assert told(select([lan], ANY)) == {"eth0": ["192.168.1.5", "2001:db8::5", "fd12::5"]}
    assert told(select([lan], Policy("0.0.0.0"))) == {"eth0": ["192.168.1.5"]}


def test_a_temporary_ipv6_address_gives_way_to_a_lasting_one(make_interface: Make) -> None:
    lan = make_interface("eth0", "2001:db8::aaaa/64", "2001:db8::5/64")
    first, second = lan.addresses
    lan = replace(lan, addresses=(replace(first, temporary=True), second))
    assert told(select([lan], ANY)) == {"eth0": ["2001:db8::5"]}
    alone = replace(lan, addresses=(replace(first, temporary=True),))
    assert told(select([alone], ANY)) == {"eth0": ["2001:db8::aaaa"]}


def test_an_address_whose_uniqueness_is_not_known_yet_waits(make_interface: Make) -> None:
    lan = make_interface("eth0", "192.168.1.5/24", "2001:db8::5/64")
    lan = replace(lan, addresses=(lan.addresses[0], replace(lan.addresses[1], tentative=True)))
    assert told(select([lan], ANY)) == {"eth0": ["192.168.1.5"]}


@pytest.mark.parametrize(
    "name", ["docker0", "br-0a1b2c3d4e5f", "veth12ab@if7", "virbr0", "cni0", "podman1", "lxdbr0", "vboxnet0"]
)
def test_networks_of_containers_are_left_out_and_said_so(make_interface: Make, name: str) -> None:
    selection = select([make_interface(name, "172.17.0.1/16")], Policy())
    assert told(selection) == {}
    assert code(selection) == "no-network"
    assert [(i.name, i.why) for i in selection.ignored] == [(name, "made by a container engine or hypervisor")]
    assert selection.reason is not None
    assert name in selection.reason.text


@pytest.mark.parametrize("name", ["br0", "bridge0", "eth0", "enp3s0", "wlan0", "bond0", "eth0.20", "lab0"])
def test_home_networks_are_used(make_interface: Make, name: str) -> None:
    assert told(select([make_interface(name, "192.168.1.5/24")], Policy())) == {name: ["192.168.1.5"]}


def test_a_bridge_with_the_default_route_is_the_home_network_under_any_name(make_interface: Make) -> None:
    bridge = make_interface("br-lan", "192.168.1.5/24", default_route=True)
    assert told(select([bridge], Policy())) == {"br-lan": ["192.168.1.5"]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"up": False}, "down, or no cable"),
        ({"multicast": False}, "cannot multicast"),
        ({"point_to_point": True}, "a tunnel (VPN)"),
    ],
)
def test_an_interface_nobody_can_hear_us_on_is_left_out(
    make_interface: Make, fields: dict[str, bool], why: str
) -> None:
    selection = select([make_interface("net0", "10.8.0.1/24", **fields)], Policy())
    assert [(i.name, i.why) for i in selection.ignored] == [("net0", why)]
    assert code(selection) == "no-network"


def test_servers_on_one_address_are_announced_at_that_address_only(make_interface: Make) -> None:
    lan = make_interface("eth0", "192.168.1.5/24", "192.168.1.6/24", "fd00::5/64", index=2)
    iot = make_interface("eth1", "10.20.0.5/24", index=3)
    assert told(select([lan, iot], Policy("192.168.1.6"))) == {"eth0": ["192.168.1.6"]}
    assert told(select([lan, iot], Policy("fd00::5"))) == {"eth0": ["fd00::5"]}


def test_an_address_the_servers_were_bound_to_counts_on_a_container_network_too(make_interface: Make) -> None:
    assert told(select([make_interface("docker0", "172.17.0.1/16")], Policy("172.17.0.1"))) == {
        "docker0": ["172.17.0.1"]
    }


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1", "127.0.1.1"])
def test_servers_on_loopback_are_not_announced_and_the_reason_is_clear(
    make_interface: Make, loopback: NetworkInterface, bind: str
) -> None:
    selection = select([loopback, make_interface("eth0", "192.168.1.5/24")], Policy(bind))
    assert told(selection) == {}
    assert code(selection) == "bound-to-loopback"
    assert selection.reason is not None
    assert "discovery.addresses" in selection.reason.hint


@pytest.mark.parametrize(
    ("bind", "expected"), [("192.168.9.9", "address-absent"), ("169.254.7.7", "bound-to-link-local")]
)
def test_servers_on_an_address_that_cannot_be_used_have_a_reason(
    make_interface: Make, bind: str, expected: str
) -> None:
    assert code(select([make_interface("eth0", "192.168.1.5/24", "169.254.7.7/16")], Policy(bind))) == expected


@pytest.mark.parametrize("bind", ["0.0.0.0", "127.0.0.1"])
def test_configured_addresses_are_announced_everywhere_whatever_is_bound(make_interface: Make, bind: str) -> None:
    lan = make_interface("eth0", "192.168.1.5/24", index=2)
    iot = make_interface("eth1", "10.20.0.5/24", index=3)
    selection = select([lan, iot], Policy(bind, addresses=("203.0.113.9",)))
    assert told(selection) == {"eth0": ["203.0.113.9"], "eth1": ["203.0.113.9"]}
    assert selection.warnings == ()


def test_a_configured_address_home_assistant_drops_is_a_warning(make_interface: Make) -> None:
    policy = Policy(addresses=("0.0.0.0", "169.254.1.1", "192.168.1.5"))
    selection = select([make_interface("eth0", "192.168.1.5/24")], policy)
    assert [w.code for w in selection.warnings] == ["address-unspecified", "address-link-local"]
    assert "0.0.0.0" not in selection.addresses


def test_a_configured_address_must_be_one() -> None:
    with pytest.raises(ValueError, match="livingroom"):
        Policy(addresses=("livingroom",))


def test_named_interfaces_are_the_only_ones_and_may_be_virtual(make_interface: Make) -> None:
    found = [
        make_interface("eth0", "192.168.1.5/24", index=2),
        make_interface("docker0", "172.17.0.1/16", index=3),
        make_interface("br-1234", "172.18.0.1/16", index=4),
    ]
    selection = select(found, Policy(interfaces=("docker*", "br-1234")))
    assert told(selection) == {"docker0": ["172.17.0.1"], "br-1234": ["172.18.0.1"]}
    assert [i.name for i in selection.ignored] == ["eth0"]


def test_without_any_network_there_is_a_reason(loopback: NetworkInterface) -> None:
    selection = select([loopback], Policy())
    assert code(selection) == "no-network"
    assert "none but loopback" in (selection.reason.text if selection.reason else "")


def test_a_network_with_ipv6_only_says_what_to_configure(make_interface: Make) -> None:
    selection = select([make_interface("eth0", "2001:db8::5/64")], Policy("0.0.0.0"))
    assert code(selection) == "no-network"
    assert "host: '::'" in (selection.reason.hint if selection.reason else "")


def test_an_announced_address_from_dhcp_is_a_warning(make_interface: Make) -> None:
    lan = make_interface("eth0", "192.168.1.5/24", "2001:db8::5/64")
    lan = replace(lan, addresses=tuple(replace(address, leased=True) for address in lan.addresses))
    (warning,) = select([lan], ANY).warnings
    assert warning.code == "address-leased"
    assert "192.168.1.5 (eth0)" in warning.text
    assert select([lan], Policy(addresses=("192.168.1.5",))).warnings == ()


def test_one_socket_a_network_and_ipv6_only_where_it_is_needed(make_interface: Make) -> None:
    both = make_interface("eth0", "192.168.1.5/24", "192.168.1.6/24", "fd00::5/64", index=2)
    only_ipv6 = make_interface("eth1", "fd01::5/64", index=3)
    assert multicast_sockets(select([both, only_ipv6], ANY).links) == ["192.168.1.5", 2, 3]
    assert multicast_sockets(select([both, only_ipv6], Policy()).links) == ["192.168.1.5"]
