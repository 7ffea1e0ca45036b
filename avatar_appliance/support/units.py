"""systemd's view: the state of our units, and what they logged from WARNING upwards."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import Any

from .part import Part
from .scrubber import Scrubber

_PATTERN = "avatar*"
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainCode,ExecMainStatus,MemoryCurrent,MemoryPeak,"
    "TasksCurrent,CPUUsageNSec,StateChangeTimestamp,UnitFileState"
)
_TIMEOUT_S = 20
_ENTRIES = 2000
_LEAST_SEVERE = 4  # WARNING, by syslog(3)
_OURS = ("avatar_appliance", "wyoming_servers")
_LEVELS = {0: "EMERG", 1: "ALERT", 2: "CRIT", 3: "ERROR", 4: "WARNING"}
NOTHING = (
    "No warnings and errors of seven days, or this user may not read the journal. As root, this puts it in:\n"
    "  journalctl -u 'avatar*' -p warning --since=-7d -o json | avatar support-bundle --journal -\n"
)


def unit_states(scrubber: Scrubber) -> Part:
    """Return the states of our units; a note where there is no systemd."""
    said = _run("systemctl", "show", "--no-pager", f"--property={_PROPERTIES}", _PATTERN)
    text = scrubber.text(said) if said and said.strip() else "No systemd, or no units of the appliance.\n"
    return Part("units.txt", "state, restarts and memory of the systemd units", text)


def journal(scrubber: Scrubber, given: str | None = None) -> Part:
    """Return warnings and errors of our units: those of our own code with their text, others without.

    What a library or an engine writes by itself may quote anything, so of such entries only the length is told.
    `given` is the output of `journalctl -o json`, where the owner hands it in.
    """
    if given is None:
        given = _run(
            "journalctl", f"--unit={_PATTERN}", "--priority=warning", "--since=-7d", "--no-pager", "--quiet",
            f"--lines={_ENTRIES}", "--output=json",
        )  # fmt: skip
    lines = [line for entry in (given or "").splitlines() if (line := _line(entry, scrubber)) is not None]
    text = "\n".join(lines[-_ENTRIES:]) + "\n" if lines else NOTHING
    return Part("journal.txt", "warnings and errors of the units, of seven days; what was said is in no log line", text)


def _line(entry: str, scrubber: Scrubber) -> str | None:
    try:
        fields = json.loads(entry)
        priority = int(fields.get("PRIORITY", 6))
        at = datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    if priority > _LEAST_SEVERE:
        return None
    who = str(fields.get("SYSLOG_IDENTIFIER", fields.get("_COMM", "?")))
    return scrubber.line(f"{at:%Y-%m-%d %H:%M:%S} {_LEVELS[priority]:7} {who}: ") + _message(fields, scrubber)


def _message(fields: dict[str, Any], scrubber: Scrubber) -> str:
    message = fields.get("MESSAGE")
    if isinstance(message, list):  # bytes that are no UTF-8
        message = bytes(message).decode("utf-8", "replace")
    text = str(message or "")
    logger = str(fields.get("LOGGER", ""))
    of_systemd = fields.get("SYSLOG_IDENTIFIER") == "systemd" and str(fields.get("_PID", "")) == "1"
    if logger.split(".")[0] in _OURS or of_systemd:
        return scrubber.text(text).replace("\n", "\n    ")
    return f"({len(text)} characters of {scrubber.line(logger) or 'the program itself'}, not shown)"


def _run(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
