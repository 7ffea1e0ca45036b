"""What the properties of a unit say about its process: a pure function of org.freedesktop.systemd1(5)."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from .process import ProcessState, ProcessStatus
from .restart_policy import EX_CONFIG

Properties = Mapping[str, Any]
USED = frozenset({
    "ActiveState", "SubState", "StateChangeTimestamp", "Job",
    "MainPID", "ControlGroup", "StatusText", "Result", "ExecMainCode", "ExecMainStatus", "NRestarts",
})  # fmt: skip
"""The properties that matter to us, of a hundred times as many."""

_STATES = {
    "active": ProcessState.READY,  # Type=notify: it said READY=1
    "reloading": ProcessState.READY,
    "refreshing": ProcessState.READY,
    "activating": ProcessState.STARTING,  # also while it waits for a restart
    "deactivating": ProcessState.STOPPING,
    "maintenance": ProcessState.STOPPING,
    "inactive": ProcessState.STOPPED,
    "failed": ProcessState.FAILED,
}
_STATUS_CHARS = 200
_EXITED = 1  # waitid(2): CLD_EXITED; the others are CLD_KILLED and CLD_DUMPED
_SET_UP = range(200, 244)  # systemd.exec(5): systemd itself failed before it could run the program


def unit_status(
    name: str, properties: Properties, *, start_pending: bool = False, start_error: str = ""
) -> ProcessStatus:
    """Return how the process of a unit is; `since` is 0 where systemd has not told.

    `start_pending`: a start was asked for whose job is not over yet. `start_error`: why the last start that was asked
    for never came about.
    """
    state = _STATES.get(properties.get("ActiveState", "inactive"), ProcessState.STOPPED)
    ended = state in (ProcessState.STOPPED, ProcessState.FAILED)
    waits = properties.get("SubState", "").startswith("auto-restart")
    if ended and start_pending:
        state = ProcessState.STARTING
    elif ended and start_error:
        state = ProcessState.FAILED
    last_exit = _exit(properties)
    error = ""
    if state is ProcessState.FAILED or waits:
        error = start_error or _failure(properties, last_exit)
    return ProcessStatus(
        name=name,
        state=state,
        since=properties.get("StateChangeTimestamp", 0) / 1e6,
        status_text="waits to be started again" if waits else "" if ended else _last_words(properties),
        pid=properties.get("MainPID") or None,
        restarts=properties.get("NRestarts", 0),
        last_exit=last_exit,
        last_error=error,
    )


def _last_words(properties: Properties) -> str:
    """Return its own status text, which systemd keeps when it has ended."""
    text = str(properties.get("StatusText", ""))
    return "".join(character if character.isprintable() else " " for character in text)[:_STATUS_CHARS].strip()


def _exit(properties: Properties) -> int | str | None:
    code, status = properties.get("ExecMainCode", 0), properties.get("ExecMainStatus", 0)
    if not code:
        return None
    if code == _EXITED:
        return int(status)
    try:
        return signal.Signals(status).name
    except ValueError:  # a realtime signal has no name
        return f"signal {status}"


def _failure(properties: Properties, last_exit: int | str | None) -> str:
    result = properties.get("Result", "")
    match result:
        case "oom-kill":
            text = "ended by the kernel: the machine, or its unit, is out of memory"
        case "timeout":
            text = "did not start or stop in the time its unit allows"
        case "watchdog":
            text = "its watchdog heard nothing from it"
        case "start-limit-hit":
            text = "started too often in a short time"
        case "protocol" | "exit-code" if last_exit == EX_CONFIG:
            text = f"its configuration cannot be used (exit code {EX_CONFIG})"
        case "exit-code" if last_exit in _SET_UP:
            text = f"its unit cannot be set up (exit status {last_exit}, systemd.exec(5))"
        case "protocol" | "exit-code" | "signal" | "core-dump":
            by_code = isinstance(last_exit, int)
            text = f"ended by itself with exit code {last_exit}" if by_code else f"killed by {last_exit}"
        case _:
            text = f"systemd says {result!r}"
    words = _last_words(properties)
    return f"{text} (its last status: {words})" if words else text
