"""The control groups that a machine lives in, on a host without systemd; with it, systemd-run makes a scope."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_HIERARCHIES = ("memory", "pids", "cpu", "cpuacct", "blkio", "devices", "freezer", "systemd", "unified")
HOST_HAS_SYSTEMD = Path("/run/systemd/system").is_dir()


def enter(name: str) -> None:
    """Move this process into groups for the machine `name`: called in a child, between fork and exec."""
    for folder in _folders(name):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def empty(name: str) -> None:
    """Kill what is left of the machine, and remove its groups."""
    for folder in _folders(name):
        if (folder / "cgroup.kill").exists():
            (folder / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + 10
    while any(folder.exists() for folder in _folders(name)) and time.monotonic() < deadline:
        for folder in _folders(name):
            for each in [*(Path(path) for path, _, _ in os.walk(folder, topdown=False))]:
                with contextlib.suppress(OSError):
                    each.rmdir()
        time.sleep(0.1)
    for folder in _folders(name):
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # unless another machine is in it


def _folders(name: str) -> Iterator[Path]:
    if not HOST_HAS_SYSTEMD:
        for hierarchy in _HIERARCHIES:
            if (_ROOT / hierarchy).is_dir():
                yield _ROOT / hierarchy / "avatar-provision" / name
