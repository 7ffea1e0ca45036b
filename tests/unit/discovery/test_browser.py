"""`browse` reports what Home Assistant would see."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.discovery import (
    DiscoveryUnavailable,
    FoundService,
    NetworkInterface,
    Policy,
    browse,
)

if TYPE_CHECKING:
    from .conftest import FakeNetwork, Neighbour


@pytest.fixture
def plugged(fake_network: FakeNetwork, make_interface: Callable[..., NetworkInterface]) -> FakeNetwork:
    fake_network.set(make_interface("eth0", "192.0.2.10/24"))
    return fake_network


async def test_a_service_is_found_with_what_it_says_and_the_look_ends_at_once(
    plugged: FakeNetwork, neighbour: Neighbour, title: str
) -> None:
    await neighbour.announce(title, port=4711)
    async with asyncio.timeout(8):
        found = await browse(60, expect={title}, network=plugged.network)
    (service,) = [service for service in found if service.instance == title]
    assert (service.port, service.addresses, service.chosen_address) == (
        4711,
        ("192.0.2.200",),
        "192.0.2.200",
    )
    assert service.host.startswith("neighbour-")


async def test_a_service_that_appears_while_looking_is_found(
    plugged: FakeNetwork, neighbour: Neighbour, title: str
) -> None:
    looking = asyncio.create_task(browse(60, expect={title}, network=plugged.network))
    await neighbour.until(lambda: plugged.asked_for)
    await neighbour.announce(title)
    async with asyncio.timeout(8):
        assert title in [service.instance for service in await looking]


async def test_the_look_ends_in_time_when_what_was_expected_is_not_there(plugged: FakeNetwork, title: str) -> None:
    async with asyncio.timeout(5):
        found = await browse(0.05, expect={title}, network=plugged.network)
    assert title not in [service.instance for service in found]


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        (("2001:db8::1", "192.0.2.1"), "192.0.2.1"),
        (("169.254.1.1", "fe80::1%2", "fd00::1"), "fd00::1"),
        (("0.0.0.0",), None),
        ((), None),
    ],
)
def test_the_chosen_address_is_the_one_home_assistant_takes(addresses: tuple[str, ...], chosen: str | None) -> None:
    assert FoundService("x", "x.local.", 1, addresses, {}).chosen_address == chosen


async def test_without_a_network_the_error_says_why(fake_network: FakeNetwork) -> None:
    with pytest.raises(DiscoveryUnavailable, match="No network interface"):
        await browse(1, network=fake_network.network)


async def test_interfaces_the_owner_excluded_are_not_looked_at(plugged: FakeNetwork) -> None:
    with pytest.raises(DiscoveryUnavailable, match=r"eth0: not among"):
        await browse(1, policy=Policy(interfaces=("wlan0",)), network=plugged.network)


async def test_a_refused_port_is_an_error_with_a_hint(plugged: FakeNetwork) -> None:
    plugged.failure = OSError(errno.EADDRINUSE, "Address already in use")
    with pytest.raises(DiscoveryUnavailable, match="Address already in use") as caught:
        await browse(1, network=plugged.network)
    assert "5353" in caught.value.hint
    assert caught.value.retryable
