"""Ending a process group: done is what has really ended, a zombie included."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from avatar_appliance.processes.process_group import kill_group


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a group of its own."""
    command = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    with subprocess.Popen(command, start_new_session=True) as process:
        yield process
        process.kill()


async def test_it_returns_only_when_the_processes_have_ended(
    leader: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = asyncio.Event()
    monkeypatch.setattr(os, "killpg", lambda group, number: killed.set() if number else None)  # dies later
    killing = asyncio.create_task(kill_group(leader.pid))
    await killed.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(killing), 0.02)
    os.kill(leader.pid, signal.SIGKILL)
    await asyncio.wait_for(killing, 20)


async def test_a_zombie_is_not_waited_for(leader: subprocess.Popen[bytes]) -> None:
    os.kill(leader.pid, signal.SIGKILL)
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - killed: at once, and left a zombie
    os.killpg(leader.pid, 0)  # the kernel still knows the group
    await asyncio.wait_for(kill_group(leader.pid), 20)


async def test_a_group_that_does_not_exist_is_ended_already(leader: subprocess.Popen[bytes]) -> None:
    leader.kill()
    leader.wait()
    await kill_group(leader.pid)
