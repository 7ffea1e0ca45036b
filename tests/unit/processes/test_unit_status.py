"""What properties of a unit mean."""

from __future__ import annotations

from typing import Any

import pytest

from avatar_appliance.processes import ProcessState
from avatar_appliance.processes.unit_status import unit_status
from avatar_appliance.processes.watched_unit import WatchedUnit

EXITED, KILLED, DUMPED = 1, 2, 3


@pytest.mark.parametrize(
    ("active", "sub", "state"),
    [
        ("active", "running", ProcessState.READY),
        ("reloading", "reload", ProcessState.READY),
        ("refreshing", "refresh", ProcessState.READY),
        ("activating", "start", ProcessState.STARTING),
        ("activating", "auto-restart", ProcessState.STARTING),
        ("deactivating", "stop-sigterm", ProcessState.STOPPING),
        ("inactive", "dead", ProcessState.STOPPED),
        ("failed", "failed", ProcessState.FAILED),
        ("something-new", "", ProcessState.STOPPED),
    ],
)
def test_the_state_is_that_of_the_unit(active: str, sub: str, state: ProcessState) -> None:
    assert unit_status("w", {"ActiveState": active, "SubState": sub}).state is state


@pytest.mark.parametrize(
    ("result", "code", "status", "last_exit", "error"),
    [
        ("exit-code", EXITED, 1, 1, "ended by itself with exit code 1"),
        ("exit-code", EXITED, 78, 78, "its configuration cannot be used (exit code 78)"),
        ("exit-code", EXITED, 203, 203, "its unit cannot be set up (exit status 203, systemd.exec(5))"),
        ("signal", KILLED, 9, "SIGKILL", "killed by SIGKILL"),
        ("core-dump", DUMPED, 11, "SIGSEGV", "killed by SIGSEGV"),
        ("signal", KILLED, 40, "signal 40", "killed by signal 40"),
        ("timeout", KILLED, 9, "SIGKILL", "did not start or stop in the time its unit allows"),
        ("watchdog", KILLED, 6, "SIGABRT", "its watchdog heard nothing from it"),
        ("oom-kill", KILLED, 9, "SIGKILL", "ended by the kernel: the machine, or its unit, is out of memory"),
        ("start-limit-hit", 0, 0, None, "started too often in a short time"),
        ("protocol", EXITED, 0, 0, "ended by itself with exit code 0"),
        ("resources", 0, 0, None, "systemd says 'resources'"),
    ],
)
def test_a_failure_is_told_for_people(
    result: str, code: int, status: int, last_exit: int | str | None, error: str
) -> None:
    properties = {"ActiveState": "failed", "Result": result, "ExecMainCode": code, "ExecMainStatus": status}
    told = unit_status("w", properties)
    assert (told.last_exit, told.last_error) == (last_exit, error)


def test_a_unit_that_waits_for_a_restart_says_so_and_why() -> None:
    properties: dict[str, Any] = {
        "ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code",
        "ExecMainCode": EXITED, "ExecMainStatus": 3, "NRestarts": 4, "StatusText": "listening",
    }  # fmt: skip
    told = unit_status("asr", properties)
    assert (told.status_text, told.restarts) == ("waits to be started again", 4)
    assert told.last_error == "ended by itself with exit code 3 (its last status: listening)"


def test_how_a_unit_ended_is_remembered_when_systemd_has_unloaded_it() -> None:
    told: list[Any] = []
    unit = WatchedUnit("w", "avatar-worker@w.service", told.append)
    unit.refreshed({"ActiveState": "active", "ExecMainCode": 0, "ExecMainStatus": 0})
    unit.heard({"ExecMainCode": KILLED, "ExecMainStatus": 15}, complete=False)
    unit.heard({"ActiveState": "inactive"}, complete=True)
    unit.refreshed({"ActiveState": "inactive", "ExecMainCode": 0, "ExecMainStatus": 0})
    assert unit.status.last_exit == "SIGTERM"
    assert [status.state for status in told] == [ProcessState.READY, ProcessState.STOPPED]


def test_a_unit_nobody_had_heard_of_and_that_is_stopped_is_no_news() -> None:
    told: list[Any] = []
    unit = WatchedUnit("w", "avatar-worker@w.service", told.append)
    unit.refreshed({"ActiveState": "inactive"})
    assert told == []
    unit.start_asked()
    assert [status.state for status in told] == [ProcessState.STARTING]
