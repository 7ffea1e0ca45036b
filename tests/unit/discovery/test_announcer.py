"""The announcer as another machine sees it: what is on the network, and when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from avatar_appliance import __version__
from avatar_appliance.discovery import Announcer, MachineIdentity, NetworkInterface, Policy, ServiceAnnouncement

if TYPE_CHECKING:
    from .conftest import FakeNetwork, Neighbour, Tap

Make = Callable[..., NetworkInterface]
Build = Callable[..., Announcer]
Name = Callable[..., str]


def asr(title: str, port: int = 10300) -> ServiceAnnouncement:
    return ServiceAnnouncement("asr", port, title)


@pytest.mark.usefixtures("home")
async def test_a_neighbour_sees_port_address_and_txt(
    build: Build, machine: MachineIdentity, neighbour: Neighbour, title: str, name: Name
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(ServiceAnnouncement("asr", 10300, title, {"model": "whisper-base"}))
    info = await neighbour.sees(name(title))
    assert info.port == 10300
    assert info.parsed_addresses() == ["192.0.2.10"]
    assert info.server == f"avatar-asr-{machine.short}.local."
    assert info.decoded_properties == {
        "role": "asr",
        "version": __version__,
        "id": machine.short,
        "model": "whisper-base",
    }
    status = announcer.status()
    assert (status.addresses, status.interfaces, status.reason) == (("192.0.2.10",), ("eth0",), None)
    assert [(s.role, s.instance, s.port, s.announced) for s in status.services] == [("asr", name(title), 10300, True)]


@pytest.mark.usefixtures("home")
async def test_a_chinese_house_name_arrives_as_written(
    build: Build, neighbour: Neighbour, title: str, name: Name
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(f"林家 {title}"))
    assert (await neighbour.sees(name(f"林家 {title}"))).port == 10300


@pytest.mark.usefixtures("home")
async def test_three_services_are_three_names_and_one_goodbye_leaves_the_others(
    build: Build, neighbour: Neighbour, title: str, name: Name
) -> None:
    announcer = build()
    roles = {"asr": 10300, "tts": 10200, "conversation": 10500}
    await announcer.announce(*(ServiceAnnouncement(role, port, title) for role, port in roles.items()))
    await announcer.start()
    for role, port in roles.items():
        assert (await neighbour.sees(name(title, role))).port == port
    await announcer.withdraw("tts")
    await neighbour.misses(name(title, "tts"))
    for role in ("asr", "conversation"):
        assert (await neighbour.sees(name(title, role))).parsed_addresses() == ["192.0.2.10"]
    assert [s.role for s in announcer.status().services] == ["asr", "conversation"]


@pytest.mark.usefixtures("home")
async def test_stop_says_goodbye(build: Build, neighbour: Neighbour, title: str, name: Name) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    await announcer.stop()
    await neighbour.misses(name(title))
    status = announcer.status()
    assert not status.running
    assert status.reason is not None
    assert status.reason.code == "not-started"
    assert status.addresses == ()


@pytest.mark.usefixtures("home")
async def test_a_cancelled_owner_still_says_goodbye(build: Build, neighbour: Neighbour, title: str, name: Name) -> None:
    async def serve() -> None:
        async with build() as announcer:
            await announcer.announce(asr(title))
            await asyncio.Event().wait()

    owner = asyncio.create_task(serve())
    await neighbour.sees(name(title))
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner
    await neighbour.misses(name(title))


@pytest.mark.usefixtures("home")
async def test_a_cancelled_stop_still_says_goodbye(build: Build, neighbour: Neighbour, title: str, name: Name) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    stopping = asyncio.create_task(announcer.stop())
    await asyncio.sleep(0)  # it waits for the goodbye now
    stopping.cancel()
    await neighbour.misses(name(title))


@pytest.mark.usefixtures("home")
async def test_the_end_of_the_event_loop_says_goodbye(
    build: Build, neighbour: Neighbour, tap: Tap, title: str, name: Name
) -> None:
    """asyncio.run cancels every task that is left: so does this."""
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "discovery"]
    tap.packets.clear()
    task.cancel()
    await asyncio.sleep(0)  # the goodbye has begun
    await announcer.stop()
    await neighbour.misses(name(title))
    await neighbour.until(lambda: len([p for _, p in tap.packets if title.encode() in p]) > 1)  # not cut short
    assert not announcer.status().running


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
@pytest.mark.usefixtures("home")
async def test_servers_on_loopback_are_never_on_the_network(
    build: Build, fake_network: FakeNetwork, title: str, bind: str
) -> None:
    announcer = build(Policy(bind))
    await announcer.start()
    await announcer.announce(asr(title))
    status = announcer.status()
    assert status.reason is not None
    assert status.reason.code == "bound-to-loopback"
    assert fake_network.asked_for == []  # not even a socket was opened


@pytest.mark.usefixtures("home")
async def test_configured_addresses_are_announced_in_place_of_the_machines_own(
    build: Build, neighbour: Neighbour, title: str, name: Name
) -> None:
    announcer = build(Policy("127.0.0.1", addresses=("203.0.113.4",)))
    await announcer.start()
    await announcer.announce(asr(title))
    assert (await neighbour.sees(name(title))).parsed_addresses() == ["203.0.113.4"]


@pytest.mark.usefixtures("home")
async def test_nothing_is_opened_while_there_is_nothing_to_announce(build: Build, fake_network: FakeNetwork) -> None:
    announcer = build()
    await announcer.start()
    await announcer.refresh()
    assert fake_network.listed >= 2
    assert fake_network.asked_for == []
    assert announcer.status().reason is None
