"""Which process a pid means: pids are used again, the pair of pid and start time is not."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")

_STATE, _START_TICKS = 0, 19  # fields 3 and 22 of proc_pid_stat(5), counted from behind the name


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks after boot; None when there is none, or it has ended.

    A zombie has ended: it holds no memory any more, only its parent has not heard of it yet.
    """
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()  # a name may have spaces and brackets
    if fields[_STATE] in (b"Z", b"X"):
        return None
    return int(fields[_START_TICKS])


def process_exists(pid: int) -> bool:
    """Return whether there is such a process in our pid namespace, a zombie included.

    Asked of the kernel and not of /proc, which hides the processes of others where it is mounted with `hidepid` or
    under systemd's `ProtectProc=`.
    """
    if pid <= 0:  # kill(2): a group, or everybody
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def process_name(pid: int) -> str:
    """Return the short name of the program, "" where it cannot be seen."""
    try:
        return (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError:
        return ""
