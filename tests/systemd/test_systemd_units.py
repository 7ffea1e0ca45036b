"""Units started, watched and stopped over D-Bus."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.errors import ConfigError
from avatar_appliance.processes import (
    ProcessFailed,
    ProcessManager,
    ProcessState,
    ProcessUnknown,
    SystemdRefused,
    SystemdUnavailable,
    UnitDenied,
    wait_ready,
)

from .conftest import DEADLINE_S, script, spec

if TYPE_CHECKING:
    from systemd_harness import FakeSystemd

    from .conftest import Witness

UNIT = "avatar-worker@piper.service"


async def test_a_unit_is_ready_when_its_process_says_so(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("say('STATUS=loading'); say('READY=1\\nSTATUS=2 voices'); wait()")
    ready = await witness.started()
    assert (ready.pid, ready.status_text, ready.last_exit) == (systemd.units[UNIT].pid, "2 voices", None)
    assert ready.since > 1e9
    assert witness.states() == [ProcessState.STARTING, ProcessState.READY], "an inactive unit with a job is no stop"
    assert witness.units.pids("piper") == [ready.pid]
    manager: ProcessManager = witness.units
    await wait_ready(manager, ["piper"], 1)


async def test_what_a_starting_unit_does_can_be_followed(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("say('STATUS=loading 40 %\\x07'); wait()")
    await witness.units.start(spec("piper"))
    loading = await witness.sees(lambda status: bool(status.status_text))
    assert (loading.state, loading.status_text) == (ProcessState.STARTING, "loading 40 %")


async def test_a_second_start_joins_the_first(systemd: FakeSystemd, witness: Witness) -> None:
    await asyncio.gather(witness.units.start(spec("piper")), witness.units.start(spec("piper")))
    await witness.sees(ProcessState.READY)
    await witness.units.start(spec("piper"))
    assert systemd.calls == [("start", UNIT)]


async def test_a_stopped_unit_has_no_process_left(systemd: FakeSystemd, witness: Witness) -> None:
    ready = await witness.started()
    await witness.units.stop("piper")
    status = witness.units.statuses()["piper"]
    assert (status.state, status.pid, status.last_exit) == (ProcessState.STOPPED, None, "SIGTERM")
    assert not alive(ready.pid)
    assert list(witness.units.pids("piper")) == []
    await witness.units.stop("piper")
    assert [verb for verb, _ in systemd.calls] == ["start", "stop"], "stopping what is stopped asks for nothing"


async def test_a_unit_deaf_to_sigterm_is_killed_and_then_counts_as_stopped(
    systemd: FakeSystemd, witness: Witness
) -> None:
    systemd.files["avatar-worker@"] = script(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('READY=1'); wait()", stop_timeout_s=0.05
    )
    await witness.started()
    await witness.units.stop("piper")
    status = witness.units.statuses()["piper"]
    assert (status.state, status.last_exit, status.last_error) == (ProcessState.STOPPED, "SIGKILL", "")
    assert systemd.units[UNIT].state == "inactive", "the machine is not shown as degraded"


async def test_kill_hurries_a_stop_that_waits_for_a_deaf_process(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('READY=1'); wait()", stop_timeout_s=3600
    )
    ready = await witness.started()
    stop = asyncio.create_task(witness.units.stop("piper"))
    await witness.sees(ProcessState.STOPPING)
    async with asyncio.timeout(DEADLINE_S):
        await witness.units.kill("piper")
        await stop
    assert witness.units.statuses()["piper"].state is ProcessState.STOPPED
    assert not alive(ready.pid)


async def test_a_unit_that_dies_has_failed_and_says_how(systemd: FakeSystemd, witness: Witness) -> None:
    ready = await witness.started()
    os.kill(ready.pid or 0, signal.SIGKILL)
    failed = await witness.sees(ProcessState.FAILED)
    assert (failed.last_exit, failed.last_error, failed.pid) == ("SIGKILL", "killed by SIGKILL", None)
    assert systemd.units[UNIT].starts == 1, "what comes next is the coordinator's business"
    half = [status for status in witness.seen if status.state is ProcessState.READY and status.pid is None]
    assert half == [], "the two signals of one change are told as one"
    await witness.units.stop("piper")
    assert witness.units.statuses()["piper"].state is ProcessState.STOPPED


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        (78, "its configuration cannot be used (exit code 78) (its last status: loading)"),
        (101, "ended by itself with exit code 101 (its last status: loading)"),
        (0, "ended by itself with exit code 0 (its last status: loading)"),
    ],
)
async def test_a_unit_that_ends_before_it_is_ready_has_failed(
    systemd: FakeSystemd, witness: Witness, exit_code: int, error: str
) -> None:
    systemd.files["avatar-worker@"] = script(f"say('STATUS=loading'); sys.exit({exit_code})")
    await witness.units.start(spec("piper"))
    with pytest.raises(ProcessFailed):
        await wait_ready(witness.units, ["piper"], DEADLINE_S)
    status = witness.units.statuses()["piper"]
    assert (status.last_exit, status.last_error, status.status_text) == (exit_code, error, "")


async def test_a_unit_that_ends_well_by_itself_is_stopped(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script(
        "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0)); say('READY=1'); wait()"
    )
    ready = await witness.started()
    os.kill(ready.pid or 0, signal.SIGUSR1)
    stopped = await witness.sees(ProcessState.STOPPED)
    assert stopped.last_exit == 0


async def test_a_failed_unit_is_starting_as_soon_as_somebody_asks(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("sys.exit(3)")
    await witness.units.start(spec("piper"))
    await witness.sees(ProcessState.FAILED)
    systemd.units[UNIT].file = script("say('READY=1'); wait()")
    await witness.units.start(spec("piper"))
    starting = await witness.sees(lambda _: True)
    assert (starting.state, starting.last_error) == (ProcessState.STARTING, "")
    await witness.sees(ProcessState.READY)
    assert witness.states()[-2:] == [ProcessState.STARTING, ProcessState.READY]


async def test_a_stop_during_the_start_ends_it(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("say('STATUS=loading'); wait()")
    await witness.units.start(spec("piper"))
    loading = await witness.sees(lambda status: status.status_text == "loading")
    await witness.units.stop("piper")
    assert witness.units.statuses()["piper"].state is ProcessState.STOPPED
    assert not alive(loading.pid)


async def test_a_start_given_up_while_systemd_takes_it_on_is_a_start_all_the_same(
    systemd: FakeSystemd, witness: Witness
) -> None:
    tell, systemd.tell = systemd.tell, lambda name: None  # type: ignore[method-assign,assignment]
    start = asyncio.create_task(witness.units.start(spec("piper")))
    while not systemd.calls:
        await asyncio.sleep(0)
    start.cancel()
    await asyncio.gather(start, return_exceptions=True)
    assert witness.units.statuses()["piper"].state is ProcessState.STARTING, "although no signal says so yet"
    systemd.tell = tell  # type: ignore[method-assign]
    await witness.units.stop("piper")
    assert witness.units.statuses()["piper"].state is ProcessState.STOPPED
    assert systemd.units[UNIT].state == "inactive"


async def test_a_start_waits_for_a_stop_that_is_under_way(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("""
        signal.signal(signal.SIGTERM, lambda *_: say("STATUS=draining"))
        signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    first = await witness.started()
    stop = asyncio.create_task(witness.units.stop("piper"))
    await witness.sees(lambda status: status.status_text == "draining")
    start = asyncio.create_task(witness.units.start(spec("piper")))
    os.kill(first.pid or 0, signal.SIGUSR1)
    await stop
    await start
    assert (await witness.sees(ProcessState.READY)).pid != first.pid
    os.kill(systemd.units[UNIT].pid, signal.SIGKILL)


async def test_restart_is_a_new_process(systemd: FakeSystemd, witness: Witness) -> None:
    first = await witness.started()
    await witness.units.restart("piper")
    again = await witness.sees(lambda status: status.state is ProcessState.READY and status.pid != first.pid)
    assert again.last_error == ""
    assert systemd.units[UNIT].starts == 2


async def test_a_start_whose_dependency_failed_has_failed(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.files["avatar-worker@"] = script("", start_result="dependency")
    await witness.units.start(spec("piper"))
    failed = await witness.sees(ProcessState.FAILED)
    assert failed.last_error == "systemd did not start it: dependency"
    systemd.units[UNIT].file = script("say('READY=1'); wait()")
    await witness.started()
    await witness.units.stop("piper")
    assert witness.units.statuses()["piper"].last_error == ""


async def test_what_polkit_denies_is_said_with_the_rule_that_is_missing(systemd: FakeSystemd, witness: Witness) -> None:
    systemd.denied = {("start", UNIT), ("stop", UNIT), ("reset-failed", UNIT)}
    with pytest.raises(UnitDenied, match=f"denied StartUnit {UNIT}") as denied:
        await witness.units.start(spec("piper"))
    assert "50-avatar.rules" in denied.value.hint
    assert witness.units.statuses()["piper"].state is ProcessState.FAILED
    systemd.denied.remove(("start", UNIT))
    ready = await witness.started()
    with pytest.raises(UnitDenied):
        await witness.units.stop("piper")
    os.kill(ready.pid or 0, signal.SIGKILL)
    await witness.sees(ProcessState.FAILED)
    await witness.units.stop("piper")  # nothing of it is left, which is what was asked for


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("org.freedesktop.DBus.Error.AccessDenied", "Permission denied", UnitDenied),
        ("org.freedesktop.systemd1.UnitMasked", "Unit polkit.service is masked.", UnitDenied),
        ("org.freedesktop.systemd1.UnitMasked", f"Unit {UNIT} is masked.", ConfigError),
        ("org.freedesktop.systemd1.BadUnitSetting", f"Unit {UNIT} has a bad unit file setting.", ConfigError),
        ("org.freedesktop.systemd1.TransactionIsDestructive", "Transaction is destructive.", SystemdRefused),
        ("org.freedesktop.DBus.Error.NoReply", "Remote peer disconnected", SystemdUnavailable),
    ],
)
async def test_each_refusal_is_told_by_its_kind(
    systemd: FakeSystemd, witness: Witness, name: str, text: str, kind: type[Exception]
) -> None:
    systemd.errors[("start", UNIT)] = name, text
    with pytest.raises(kind, match=text.rstrip(".")) as refused:
        await witness.units.start(spec("piper"))
    assert type(refused.value) is kind
    status = witness.units.statuses()["piper"]
    assert (status.state, text in status.last_error) == (ProcessState.FAILED, True)


async def test_a_stop_overtaken_by_a_start_is_no_stop(systemd: FakeSystemd, witness: Witness) -> None:
    await witness.started()
    unit = systemd.units[UNIT]

    async def overtaken() -> str:
        return "canceled"

    unit.stop = overtaken  # type: ignore[method-assign]
    with pytest.raises(SystemdRefused, match="was not stopped: the job ended as 'canceled'"):
        await witness.units.stop("piper")
    del unit.stop


async def test_a_role_or_unit_that_does_not_exist_is_a_config_error(systemd: FakeSystemd, witness: Witness) -> None:
    with pytest.raises(ConfigError, match="no unit for the role 'bridge'"):
        await witness.units.start(spec("mqtt", "bridge"))
    del systemd.files["avatar-worker@"]
    with pytest.raises(ConfigError, match=f"Unit {UNIT} not found") as missing:
        await witness.units.start(spec("piper"))
    assert "/etc/systemd/system" in missing.value.hint
    with pytest.raises(ConfigError, match="another unit has its name"):
        await witness.units.start(spec("piper", "server"))


async def test_a_process_nobody_knows_is_named_in_the_error(witness: Witness) -> None:
    for command in (witness.units.stop, witness.units.kill, witness.units.restart):
        with pytest.raises(ProcessUnknown, match="'cellar'"):
            await command("cellar")
    with pytest.raises(ProcessUnknown):
        witness.units.pids("cellar")


async def test_a_unit_that_somebody_else_starts_and_stops_is_watched(systemd: FakeSystemd, witness: Witness) -> None:
    assert await systemd.start(UNIT) == "done"
    await witness.sees(ProcessState.READY)
    await systemd.stop(UNIT)
    await witness.sees(ProcessState.STOPPED)
    assert systemd.calls == []


async def test_looking_at_a_unit_that_systemd_loads_for_that_is_no_reason_to_look_again(
    systemd: FakeSystemd, witness: Witness
) -> None:
    await witness.started()
    await witness.units.stop("piper")
    await witness.started("late")  # what was still to be looked at has been looked at by now
    reads = systemd.reads["avatar-worker@piper.service"]
    assert reads
    await witness.started("later")  # time enough for a look that is followed by the next
    assert systemd.reads["avatar-worker@piper.service"] == reads


async def test_the_end_of_the_manager_ends_streams_and_no_unit(systemd: FakeSystemd, witness: Witness) -> None:
    ready = await witness.started()
    with witness.units.changes() as stream:
        await witness.units.__aexit__()
        assert [status async for status in stream] == []
    assert alive(ready.pid)


def alive(pid: int | None) -> bool:
    try:
        os.kill(pid or -1, 0)
    except ProcessLookupError:
        return False
    return True
