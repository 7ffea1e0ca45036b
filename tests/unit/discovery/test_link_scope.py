"""A network hears only the addresses that are valid on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from avatar_appliance.discovery import SERVICE_TYPE
from avatar_appliance.discovery.link_scope import LinkScopedZeroconf
from avatar_appliance.discovery.selection import Link

if TYPE_CHECKING:
    from .conftest import Neighbour

HOME, STORAGE = "192.0.2.5", "198.51.100.5"


def make_link(name: str, index: int, announced: str, network: str, *own: str) -> Link:
    ip = ip_address(announced)
    networks = {ip_network(network), *(ip_network(f"{address}/8", strict=False) for address in own)}
    return Link(name, index, (ip,), (ip,), frozenset({ip, *map(ip_address, own)}), frozenset(networks))


def make_info(title: str) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"{title}.{SERVICE_TYPE}",
        10300,
        server=f"{title.replace(' ', '-')}.local.",
        parsed_addresses=[HOME, STORAGE],
    )


@pytest.fixture
async def scoped(loopback_address: Callable[[], str]) -> AsyncIterator[LinkScopedZeroconf]:
    """Zeroconf that speaks on one of two links: the address of its sender belongs to the home network."""
    sender = loopback_address()
    zeroconf = LinkScopedZeroconf(interfaces=[sender])
    zeroconf.links = (
        make_link("eth0", 2, HOME, "192.0.2.0/24", sender),
        make_link("eth1", 3, STORAGE, "198.51.100.0/24"),
    )
    await zeroconf.async_wait_for_start()
    yield zeroconf
    await AsyncZeroconf(zc=zeroconf).async_close()


async def test_an_announcement_holds_the_addresses_of_its_own_network_only(
    scoped: LinkScopedZeroconf, neighbour: Neighbour, title: str
) -> None:
    await (await scoped.async_register_service(make_info(title)))
    assert (await neighbour.sees(title)).parsed_addresses() == [HOME]


async def test_a_late_listener_is_answered_with_the_addresses_of_its_own_network_only(
    scoped: LinkScopedZeroconf, make_neighbour: Any, title: str
) -> None:
    await (await scoped.async_register_service(make_info(title)))
    late = await make_neighbour()
    assert (await late.sees(title)).parsed_addresses() == [HOME]


async def test_a_socket_on_no_known_network_tells_everything(
    scoped: LinkScopedZeroconf, neighbour: Neighbour, title: str
) -> None:
    scoped.links = tuple(
        make_link(link.name, link.index, str(link.announced[0]), "203.0.113.0/24") for link in scoped.links
    )
    await (await scoped.async_register_service(make_info(title)))
    assert set((await neighbour.sees(title)).parsed_addresses()) == {HOME, STORAGE}


class RecordingTransport:
    """The shared listening socket, by which unicast answers leave; keeps what is sent."""

    def __init__(self, is_ipv6: bool = False) -> None:
        self.sent: list[tuple[bytes, tuple[Any, ...]]] = []
        self.transport = SimpleNamespace(sendto=lambda packet, where: self.sent.append((packet, where)))
        self.is_ipv6, self.fileno, self.sock_name = is_ipv6, -1, ("::", 5353, 0, 0)


@pytest.mark.parametrize(
    ("asker", "told", "not_told"),
    [
        ("192.0.2.77", HOME, STORAGE),
        ("198.51.100.77", STORAGE, HOME),
        ("::ffff:198.51.100.77", STORAGE, HOME),  # what a socket of both families says
    ],
)
async def test_a_unicast_answer_holds_what_is_valid_where_the_asker_is(
    scoped: LinkScopedZeroconf, title: str, asker: str, told: str, not_told: str
) -> None:
    transport: Any = RecordingTransport(":" in asker)
    answer = scoped.generate_service_broadcast(make_info(title), None)
    scoped.async_send(answer, asker, 5353, (), transport)
    ((packet, where),) = transport.sent
    assert where[:2] == (asker, 5353)
    assert ip_address(told).packed in packet
    assert ip_address(not_told).packed not in packet


async def test_a_link_local_asker_is_placed_by_its_scope(scoped: LinkScopedZeroconf, title: str) -> None:
    transport: Any = RecordingTransport(is_ipv6=True)
    answer = scoped.generate_service_broadcast(make_info(title), None)
    scoped.async_send(answer, "fe80::77", 5353, (0, 3), transport)
    ((packet, _),) = transport.sent
    assert ip_address(STORAGE).packed in packet
    assert ip_address(HOME).packed not in packet


async def test_an_asker_from_elsewhere_is_told_everything(scoped: LinkScopedZeroconf, title: str) -> None:
    transport: Any = RecordingTransport()
    scoped.async_send(scoped.generate_service_broadcast(make_info(title), None), "203.0.113.7", 5353, (), transport)
    ((packet, _),) = transport.sent
    assert all(ip_address(address).packed in packet for address in (HOME, STORAGE))


async def test_a_goodbye_reaches_every_network(scoped: LinkScopedZeroconf, title: str) -> None:
    transport: Any = RecordingTransport()
    goodbye = scoped.generate_service_broadcast(make_info(title), 0)
    scoped.async_send(goodbye, "192.0.2.77", 5353, (), transport)
    ((packet, _),) = transport.sent
    assert all(ip_address(address).packed in packet for address in (HOME, STORAGE))


async def test_an_answer_of_which_nothing_is_left_is_not_sent(scoped: LinkScopedZeroconf, title: str) -> None:
    transport: Any = RecordingTransport()
    info = make_info(title)
    info.addresses = [ip_address(STORAGE).packed]
    answer = scoped.generate_service_broadcast(info, None)
    answer.answers = [(record, now) for record, now in answer.answers if record.type == 1]
    scoped.async_send(answer, "192.0.2.77", 5353, (), transport)
    assert transport.sent == []
