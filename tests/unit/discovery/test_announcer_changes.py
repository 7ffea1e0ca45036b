"""The announcer follows the machine: addresses, cables, interfaces, ports and names that change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.discovery import Announcer, NetworkInterface, Policy, ServiceAnnouncement

if TYPE_CHECKING:
    from .conftest import FakeNetwork, Neighbour, Tap

Make = Callable[..., NetworkInterface]
Build = Callable[..., Announcer]
Name = Callable[..., str]


def asr(title: str, port: int = 10300) -> ServiceAnnouncement:
    return ServiceAnnouncement("asr", port, title)


async def test_a_new_address_replaces_the_old_one(
    build: Build,
    fake_network: FakeNetwork,
    home: NetworkInterface,
    make_interface: Make,
    neighbour: Neighbour,
    title: str,
    name: Name,
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    assert (await neighbour.sees(name(title))).parsed_addresses() == ["192.0.2.10"]
    fake_network.set(make_interface("eth0", "192.0.2.99/24"))
    await announcer.refresh()
    await neighbour.until(lambda: (found := neighbour.info(name(title))) and found.parsed_addresses() == ["192.0.2.99"])
    assert not neighbour.removed(title)  # the name stayed: Home Assistant keeps its entry
    assert announcer.status().addresses == ("192.0.2.99",)


async def test_the_last_address_of_a_family_is_taken_back(
    build: Build, fake_network: FakeNetwork, make_interface: Make, neighbour: Neighbour, title: str, name: Name
) -> None:
    """No new IPv4 address comes that would push the old one out of the neighbours' caches."""
    fake_network.set(make_interface("eth0", "192.0.2.10/24", "2001:db8::10/64"))
    announcer = build(Policy("::"))
    await announcer.start()
    await announcer.announce(asr(title))
    assert set((await neighbour.sees(name(title))).parsed_addresses()) == {"192.0.2.10", "2001:db8::10"}
    fake_network.set(make_interface("eth0", "2001:db8::10/64"))
    await announcer.refresh()
    await neighbour.until(
        lambda: (found := neighbour.info(name(title))) and found.parsed_addresses() == ["2001:db8::10"]
    )


async def test_an_offline_machine_announces_when_the_network_comes(
    build: Build, fake_network: FakeNetwork, make_interface: Make, neighbour: Neighbour, title: str, name: Name
) -> None:
    """By the poll alone: nobody tells the announcer."""
    fake_network.set(make_interface("lo", "127.0.0.1/8", loopback=True))
    announcer = build(poll_interval_s=0.01)
    await announcer.start()
    await announcer.announce(asr(title))
    status = announcer.status()
    assert status.reason is not None
    assert status.reason.code == "no-network"
    assert not status.services[0].announced
    fake_network.set(make_interface("wlan0", "192.0.2.30/24"))
    assert (await neighbour.sees(name(title))).parsed_addresses() == ["192.0.2.30"]


async def test_a_pulled_cable_takes_the_services_back_and_a_plugged_one_brings_the_same_names(
    build: Build,
    fake_network: FakeNetwork,
    home: NetworkInterface,
    make_interface: Make,
    neighbour: Neighbour,
    title: str,
    name: Name,
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    fake_network.set(replace(home, up=False))
    await announcer.refresh()
    await neighbour.misses(name(title))
    assert announcer.status().addresses == ()
    fake_network.set(make_interface("eth0", "192.0.2.11/24"))
    await announcer.refresh()
    assert (await neighbour.sees(name(title))).parsed_addresses() == ["192.0.2.11"]


async def test_an_interface_that_appears_later_is_spoken_on(
    build: Build,
    fake_network: FakeNetwork,
    home: NetworkInterface,
    make_interface: Make,
    neighbour: Neighbour,
    tap: Tap,
    loopback_address: Callable[[], str],
    title: str,
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.until(lambda: fake_network.socket_address in tap.senders_of(title))
    fake_network.set(home, make_interface("eth1", "198.51.100.10/24", index=9))
    fake_network.socket_address = loopback_address()
    tap.packets.clear()
    await announcer.refresh()
    assert fake_network.asked_for[-1] == ("eth0", "eth1")
    await neighbour.until(lambda: fake_network.socket_address in tap.senders_of(title))
    assert announcer.status().interfaces == ("eth0", "eth1")


@pytest.mark.usefixtures("home")
async def test_a_changed_port_is_told_under_the_same_name(
    build: Build, neighbour: Neighbour, title: str, name: Name
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    await announcer.announce(asr(title, 10399))
    await neighbour.until(lambda: (found := neighbour.info(name(title))) and found.port == 10399)
    assert not neighbour.removed(title)


@pytest.mark.usefixtures("home")
async def test_a_renamed_house_takes_its_old_name_back(
    build: Build, neighbour: Neighbour, title: str, name: Name
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    await announcer.announce(asr(f"{title} new"))
    await neighbour.sees(name(f"{title} new"))
    await neighbour.misses(name(title))


async def test_names_survive_a_restart_and_a_new_address(
    build: Build,
    fake_network: FakeNetwork,
    home: NetworkInterface,
    make_interface: Make,
    neighbour: Neighbour,
    title: str,
    name: Name,
) -> None:
    first = build()
    await first.start()
    await first.announce(asr(title))
    before = await neighbour.sees(name(title))
    await first.stop()
    await neighbour.misses(name(title))
    fake_network.set(make_interface("eth0", "192.0.2.77/24"))
    second = build()
    await second.start()
    await second.announce(asr(title))
    after = await neighbour.sees(name(title))
    assert (after.name, after.server) == (before.name, before.server)
    assert after.parsed_addresses() == ["192.0.2.77"]


@pytest.mark.usefixtures("home")
async def test_a_service_taken_back_and_announced_again_keeps_its_name(
    build: Build, neighbour: Neighbour, title: str, name: Name
) -> None:
    """Our own earlier announcement, still in our cache, is no conflict."""
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    await announcer.withdraw("asr")
    await announcer.announce(asr(title, 10399))
    assert [s.instance for s in announcer.status().services] == [name(title)]
    assert (await neighbour.sees(name(title))).port == 10399
