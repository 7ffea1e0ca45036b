"""Managers come and go, the bus comes and goes, units stay."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from avatar_appliance.processes import ProcessState, SystemdUnavailable
from avatar_appliance.processes.systemd_units import SystemdUnits

from .conftest import DEADLINE_S, manager, script, spec

if TYPE_CHECKING:
    from systemd_harness import FakeSystemd, PrivateBus

    from .conftest import Witness

UNIT = "avatar-worker@piper.service"
PROPERTIES = "org.freedesktop.DBus.Properties"


async def test_a_new_manager_finds_what_an_earlier_one_left_running(bus: PrivateBus, systemd: FakeSystemd) -> None:
    async with manager(bus) as first:
        ready = await first.started()
        await first.started("f5-tts_1.0")
    async with manager(bus) as second:
        found = second.units.statuses()
        assert {name: status.state for name, status in found.items()} == {
            "piper": ProcessState.READY,
            "f5-tts_1.0": ProcessState.READY,
        }
        assert found["piper"].pid == ready.pid
        assert found["piper"].since == pytest.approx(ready.since, abs=1)
        assert second.units.pids("piper") == [ready.pid]
        await second.units.start(spec("piper"))
        assert [verb for verb, _ in systemd.calls] == ["start", "start"], "nothing is started twice"
        await second.units.stop("piper")
    assert systemd.units[UNIT].state == "inactive"


async def test_a_survivor_that_dies_is_seen_by_the_new_manager(bus: PrivateBus, systemd: FakeSystemd) -> None:
    await systemd.start(UNIT)
    async with manager(bus) as witness:
        os.kill(systemd.units[UNIT].pid, signal.SIGKILL)
        assert (await witness.sees(ProcessState.FAILED)).last_exit == "SIGKILL"


async def test_the_bus_may_go_away_and_come_back(bus: PrivateBus, systemd: FakeSystemd, witness: Witness) -> None:
    for _ in range(3):
        ready = await witness.started()
        await systemd.disconnect()
        await bus.stop()
        os.kill(ready.pid or 0, signal.SIGKILL)  # what happens meanwhile is learnt afterwards
        stop = asyncio.create_task(witness.units.stop("piper"))
        await bus.start()
        await systemd.connect()
        await stop
        assert witness.units.statuses()["piper"].state is ProcessState.STOPPED


async def test_systemd_may_be_executed_anew(systemd: FakeSystemd, witness: Witness) -> None:
    ready = await witness.started()
    await systemd.disconnect()
    os.kill(ready.pid or 0, signal.SIGKILL)
    await systemd.connect()
    assert (await witness.sees(ProcessState.FAILED)).last_exit == "SIGKILL"
    again = await witness.started()
    assert again.pid != ready.pid


async def test_a_stop_whose_end_nobody_saw_is_done_all_the_same(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("""
        signal.signal(signal.SIGTERM, lambda *_: say("STATUS=draining"))
        signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    await witness.started()
    stop = asyncio.create_task(witness.units.stop("piper"))
    await witness.sees(lambda status: status.status_text == "draining")
    await systemd.disconnect()
    os.kill(systemd.units[UNIT].pid, signal.SIGUSR1)
    while systemd.units[UNIT].state != "inactive":
        await asyncio.sleep(0.01)
    await systemd.connect()
    async with asyncio.timeout(DEADLINE_S):
        await stop


async def test_a_stop_that_goes_on_when_the_bus_is_back_is_waited_for(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("""
        signal.signal(signal.SIGTERM, lambda *_: say("STATUS=draining"))
        signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    ready = await witness.started()
    stop = asyncio.create_task(witness.units.stop("piper"))
    await witness.sees(lambda status: status.status_text == "draining")
    await systemd.disconnect()
    await systemd.connect()
    await witness.units.start(spec("late"))  # so it is connected again
    assert not stop.done()
    os.kill(ready.pid or 0, signal.SIGUSR1)
    await stop
    os.kill(systemd.units["avatar-worker@late.service"].pid, signal.SIGKILL)


async def test_a_start_that_failed_unseen_has_failed(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("say('STATUS=loading'); wait()")
    await witness.units.start(spec("piper"))
    loading = await witness.sees(lambda status: status.status_text == "loading")
    await systemd.disconnect()
    os.kill(loading.pid or 0, signal.SIGKILL)
    while systemd.units[UNIT].state != "failed":
        await asyncio.sleep(0.01)
    await systemd.connect()
    await witness.sees(ProcessState.FAILED)


async def test_a_command_gives_up_when_the_bus_stays_away(bus: PrivateBus, systemd: FakeSystemd) -> None:
    async with manager(bus, patience_s=0.2) as witness:
        await witness.started()
        await bus.stop()
        for command in (witness.units.stop("piper"), witness.units.start(spec("late"))):
            with pytest.raises(SystemdUnavailable, match=r"away for 0\.2 s"):
                await command
        assert witness.units.statuses()["piper"].state is ProcessState.READY, "the last that is known"
        assert witness.units.pids("piper") == [systemd.units[UNIT].pid]
        await bus.start()
        await systemd.connect()


async def test_without_a_bus_the_error_says_so(folder: Path) -> None:
    with pytest.raises(SystemdUnavailable, match="No such file") as error:
        async with SystemdUnits(bus_address=f"unix:path={folder}/none"):
            pass
    assert "avatar up" in error.value.hint


async def test_a_bus_without_systemd_is_not_enough(bus: PrivateBus) -> None:
    with pytest.raises(SystemdUnavailable, match="GetNameOwner"):
        async with manager(bus):
            pass


async def test_signals_of_strangers_are_not_believed(
    bus: PrivateBus, systemd: FakeSystemd, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    """Any user may send any signal to anybody on the system bus, by its unique name."""
    ready = await witness.started()
    stranger = await MessageBus(bus_address=bus.address).connect()
    lies = {"ActiveState": Variant("s", "failed"), "MainPID": Variant("u", 1)}
    path = "/org/freedesktop/systemd1/unit/avatar_2dworker_40piper_2eservice"
    unit = "org.freedesktop.systemd1.Unit"
    listed = await stranger.call(
        Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")
    )
    assert listed is not None
    for name in listed.body[0]:
        if name.startswith(":") and name != stranger.unique_name:
            lie = Message.new_signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [unit, lies, []])
            lie.destination = name
            await stranger.send(lie)
            systemd_left = Message.new_signal(
                "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss",
                ["org.freedesktop.systemd1", "x", ""],
            )  # fmt: skip
            systemd_left.destination = name
            await stranger.send(systemd_left)
    await witness.started("late")  # what was sent before has arrived before
    assert witness.units.statuses()["piper"] == ready
    assert not [record for record in caplog.records if "connection to systemd is gone" in record.message]
    stranger.disconnect()
    await stranger.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def test_after_a_reload_everything_is_looked_at_again(systemd: FakeSystemd, witness: Witness) -> None:
    ready = await witness.started()
    systemd.tell = lambda name: None  # type: ignore[method-assign]
    os.kill(ready.pid or 0, signal.SIGKILL)
    while systemd.units[UNIT].state != "failed":
        await asyncio.sleep(0.01)
    assert witness.units.statuses()["piper"].state is ProcessState.READY
    systemd.reload()
    await witness.sees(ProcessState.FAILED)


async def test_a_control_group_that_can_be_read_says_which_processes_there_are(
    systemd: FakeSystemd, witness: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_appliance.processes.watched_unit.CGROUP_ROOT", tmp_path)
    for hierarchy in ("systemd", "."):  # as with version 1 beside, then version 2 alone
        group = tmp_path / hierarchy / "avatar.slice" / UNIT
        group.mkdir(parents=True)
        (group / "cgroup.procs").write_text("17\n4711\n" if hierarchy == "systemd" else "18\n")
        unit = systemd.unit(UNIT)
        monkeypatch.setattr(type(unit), "control_group", f"/avatar.slice/{UNIT}")
        await witness.started()
        await _until(lambda pids: pids == ([17, 4711] if hierarchy == "systemd" else [18]), witness)  # noqa: B023
        await witness.units.stop("piper")


async def _until(condition, witness: Witness) -> None:  # type: ignore[no-untyped-def]
    """The control group is asked for after the fact: no signal tells it."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition(witness.units.pids("piper")):
            await asyncio.sleep(0.01)
