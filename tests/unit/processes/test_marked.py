"""Processes known by what is in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avatar_appliance.processes.marked import kill_marked, marked_processes

SLEEP = [sys.executable, "-S", "-c", "print(flush=True); import signal; signal.pause()"]


def sleeping(**environment: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(SLEEP, stdout=subprocess.PIPE, env={**os.environ, **environment}, start_new_session=True)
    assert process.stdout
    process.stdout.readline()
    return process


async def test_only_processes_with_just_this_value_are_killed(tmp_path: Path) -> None:
    mark = f"{tmp_path}/n.sock"
    with sleeping(MARK=mark) as ours, sleeping(MARK=f"{mark}2") as other, sleeping(XMARK=mark) as third:
        try:
            assert marked_processes("MARK", mark) == [ours.pid]
            assert await kill_marked("MARK", mark) == [ours.pid]
            assert ours.wait() == -9
            assert await kill_marked("MARK", mark) == []
            assert (other.poll(), third.poll()) == (None, None)
        finally:
            for process in (ours, other, third):
                process.kill()


async def test_we_ourselves_are_never_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    variable, value = next(iter(os.environ.items()))
    assert os.getpid() not in marked_processes(variable, value)
