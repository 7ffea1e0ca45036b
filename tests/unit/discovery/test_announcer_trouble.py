"""The announcer where things go wrong: it never raises, says why, and tries again."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.discovery import Announcer, NetworkInterface, ServiceAnnouncement
from avatar_appliance.discovery.responder import Responder, ServiceRecord

if TYPE_CHECKING:
    from .conftest import FakeNetwork, Neighbour

Make = Callable[..., NetworkInterface]
Build = Callable[..., Announcer]
Name = Callable[..., str]


def asr(title: str, port: int = 10300) -> ServiceAnnouncement:
    return ServiceAnnouncement("asr", port, title)


@pytest.fixture
def patient_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the owner of a name enough time to object, on a loaded machine too."""
    monkeypatch.setattr("zeroconf._core._CHECK_TIME", 300)


@pytest.mark.usefixtures("home")
async def test_stop_ends_in_time_when_no_goodbye_can_be_said(
    build: Build, title: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    announcer = build(goodbye_timeout_s=0.02)
    await announcer.start()
    await announcer.announce(asr(title))
    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf.async_unregister_all_services", lambda self: never())
    async with asyncio.timeout(5):
        await announcer.stop()
    assert "No goodbye could be said (TimeoutError)" in caplog.text


@pytest.mark.usefixtures("home", "patient_probes")
async def test_a_name_another_machine_has_gets_a_number(
    build: Build,
    make_neighbour: Callable[[], Awaitable[Neighbour]],
    title: str,
    name: Name,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = await make_neighbour()
    await other.announce(name(title), port=4711)
    announcer = build()
    await announcer.start()
    with caplog.at_level(logging.WARNING):
        await announcer.announce(asr(title))
    numbered = f"{name(title)}-2"
    assert (await other.sees(numbered)).parsed_addresses() == ["192.0.2.10"]
    status = announcer.status()
    assert [s.instance for s in status.services] == [numbered]
    assert [w.code for w in status.warnings] == ["name-taken"]
    assert numbered in caplog.text
    # Everything that follows is about the number, and the other's service stays as it is.
    await announcer.announce(asr(title, 10399))
    await other.until(lambda: (found := other.info(numbered)) and found.port == 10399)
    await announcer.stop()
    await other.misses(numbered)
    assert other.removed(title) == [numbered]


@pytest.mark.usefixtures("home", "patient_probes")
async def test_a_predecessor_that_is_just_leaving_does_not_cost_the_name(
    build: Build, neighbour: Neighbour, title: str, name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = await neighbour.announce(name(title), port=4711)
    outcomes: list[bool] = []
    try_name = Responder._try_name

    async def leave_after_the_objection(self: Responder, role: str, record: ServiceRecord) -> bool:
        outcomes.append(await try_name(self, role, record))
        if outcomes == [False]:
            await (await neighbour.asyncio.async_unregister_service(info))
        return outcomes[-1]

    monkeypatch.setattr(Responder, "_try_name", leave_after_the_objection)
    announcer = build(conflict_wait_s=0.3)
    await announcer.start()
    await announcer.announce(asr(title))
    assert outcomes == [False, True]
    assert [s.instance for s in announcer.status().services] == [name(title)]
    assert announcer.status().warnings == ()


@pytest.mark.usefixtures("home", "patient_probes")
async def test_where_every_name_is_taken_the_reason_says_so_and_another_title_helps(
    build: Build, neighbour: Neighbour, title: str, name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_appliance.discovery.responder.MAX_ATTEMPTS", 2)
    for taken in (name(title), f"{name(title)}-2"):
        await neighbour.announce(taken)
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    status = announcer.status()
    assert status.reason is not None
    assert status.reason.code == "no-free-name"
    assert not status.services[0].announced
    await announcer.announce(asr(f"{title} free"))
    assert announcer.status().reason is None


@pytest.mark.usefixtures("home")
async def test_a_taken_port_is_a_reason_and_is_tried_again_less_and_less_often(
    build: Build,
    fake_network: FakeNetwork,
    neighbour: Neighbour,
    title: str,
    name: Name,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now_s = 1000.0
    fake_network.failure = OSError(errno.EADDRINUSE, "Address already in use")
    announcer = build(clock=lambda: now_s)
    await announcer.start()
    with caplog.at_level(logging.WARNING):
        await announcer.announce(asr(title))
        status = announcer.status()
        assert status.running
        assert status.reason is not None
        assert status.reason.code == "multicast-failed"
        assert "Address already in use" in status.reason.text
        await announcer.refresh()
        assert len(fake_network.asked_for) == 1  # not yet
        now_s += 60  # one poll interval
        await announcer.refresh()
        assert len(fake_network.asked_for) == 2
    assert caplog.text.count("Address already in use") == 1  # said once, not at each try
    fake_network.failure = None
    now_s += 120
    await announcer.refresh()
    assert (await neighbour.sees(name(title))).port == 10300
    assert announcer.status().reason is None


async def test_another_network_is_tried_at_once_after_a_failure(
    build: Build,
    fake_network: FakeNetwork,
    home: NetworkInterface,
    neighbour: Neighbour,
    make_interface: Make,
    title: str,
    name: Name,
) -> None:
    fake_network.failure = OSError(errno.ENODEV, "No such device")
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    assert not announcer.status().services[0].announced
    fake_network.failure = None
    fake_network.set(make_interface("wlan0", "192.0.2.44/24"))
    await announcer.refresh()
    await neighbour.sees(name(title))


async def test_a_socket_that_breaks_while_running_is_replaced(
    build: Build,
    fake_network: FakeNetwork,
    make_interface: Make,
    home: NetworkInterface,
    neighbour: Neighbour,
    title: str,
    name: Name,
) -> None:
    now_s = 1000.0
    announcer = build(clock=lambda: now_s)
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    fake_network.set(home, make_interface("eth1", "198.51.100.10/24", index=9))
    fake_network.failure = OSError(errno.ENOBUFS, "No buffer space available")
    await announcer.refresh()
    await neighbour.misses(name(title))
    fake_network.failure = None
    now_s += 60
    await announcer.refresh()
    await neighbour.sees(name(title))


@pytest.mark.usefixtures("home")
async def test_a_listing_that_fails_once_changes_nothing_on_the_network(
    build: Build,
    fake_network: FakeNetwork,
    neighbour: Neighbour,
    title: str,
    name: Name,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    await neighbour.sees(name(title))
    listed = fake_network.listed

    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    fake_network.on_list = fail
    await announcer.refresh()
    assert fake_network.listed == listed + 1
    assert announcer.status().services[0].announced
    assert neighbour.info(name(title)) is not None


async def test_a_machine_that_cannot_list_its_interfaces_has_a_reason(
    build: Build, fake_network: FakeNetwork, title: str
) -> None:
    def fail() -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    fake_network.on_list = fail
    announcer = build()
    await announcer.start()
    await announcer.announce(asr(title))
    reason = announcer.status().reason
    assert reason is not None
    assert "Operation not permitted" in reason.text


@pytest.mark.usefixtures("home")
async def test_a_stop_in_the_middle_of_a_start_leaves_nobody_waiting(build: Build, title: str) -> None:
    announcer = build()
    await announcer.announce(asr(title))
    async with asyncio.timeout(5):
        await asyncio.gather(announcer.start(), announcer.stop())
        await announcer.start()
        waiting = asyncio.create_task(announcer.announce(ServiceAnnouncement("tts", 10200, title)))
        await asyncio.sleep(0)
        await announcer.stop()
        await waiting
    assert not announcer.status().running


@pytest.mark.usefixtures("home")
async def test_a_warning_is_logged_once_and_again_after_it_was_gone(
    build: Build,
    fake_network: FakeNetwork,
    home: NetworkInterface,
    title: str,
    name: Name,
    caplog: pytest.LogCaptureFixture,
) -> None:
    announcer = build()
    await announcer.announce(asr(title))
    with caplog.at_level(logging.INFO):
        await announcer.start()
        await announcer.refresh()
        announced = f"Announced {name(title)!r} at 192.0.2.10 (eth0) port 10300"
        assert caplog.text.count(announced) == 1
        for _ in range(2):
            fake_network.set(replace(home, up=False))
            await announcer.refresh()
            await announcer.refresh()
            fake_network.set(home)
            await announcer.refresh()
    assert caplog.text.count("eth0: down, or no cable") == 2
    assert caplog.text.count(announced) == 3
