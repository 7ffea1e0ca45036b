"""Processes with one life (`restart=False`), killing, and who belongs to a process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.processes import EX_CONFIG, ProcessState, ProcessUnknown

if TYPE_CHECKING:
    from .conftest import Nursery

Gone = Callable[[int], Awaitable[None]]
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
READY = "say('READY=1'); wait()"


@pytest.mark.parametrize("exit_code", [1, 101, EX_CONFIG])
async def test_one_life_that_fails_is_over_and_says_how(nursery: Nursery, exit_code: int) -> None:
    await nursery.start(f"say('STATUS=loading'); sys.exit({exit_code})", restart=False)
    failed = await nursery.sees(ProcessState.FAILED)
    assert (failed.last_exit, failed.restarts, failed.pid) == (exit_code, 0, None)
    assert failed.last_error.endswith("(its last status: loading)")
    assert nursery.states() == [ProcessState.STARTING, ProcessState.FAILED]
    assert len(nursery.pids) == 1, "nobody tried again"


async def test_one_life_that_is_killed_when_ready_has_failed(nursery: Nursery) -> None:
    ready = await nursery.started(READY, restart=False)
    os.kill(ready.pid or 0, signal.SIGKILL)
    failed = await nursery.sees(ProcessState.FAILED)
    assert (failed.last_exit, failed.last_error) == ("SIGKILL", "killed by SIGKILL")


async def test_one_life_that_ends_well_by_itself_is_stopped_and_not_failed(nursery: Nursery) -> None:
    ready = await nursery.started(
        "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0)); say('READY=1'); wait()", restart=False
    )
    os.kill(ready.pid or 0, signal.SIGUSR1)
    stopped = await nursery.sees(ProcessState.STOPPED)
    assert (stopped.last_exit, stopped.last_error) == (0, "ended by itself with exit code 0")


async def test_one_life_that_cannot_begin_has_failed_and_no_exit_of_an_earlier_one(nursery: Nursery) -> None:
    await nursery.start("sys.exit(101)", restart=False)
    await nursery.sees(ProcessState.FAILED)
    await nursery.start(READY, restart=False, env={"BROKEN": "\0"})
    await nursery.sees(ProcessState.STARTING)
    failed = await nursery.sees(ProcessState.FAILED)
    assert failed.last_exit is None
    assert failed.last_error.startswith("cannot be started")


async def test_a_hung_start_of_one_life_is_killed_at_its_deadline(nursery: Nursery) -> None:
    await nursery.start(f"{DEAF}; wait()", restart=False, start_timeout_s=0.05)
    failed = await nursery.sees(ProcessState.FAILED)
    assert (failed.last_exit, failed.last_error) == ("SIGKILL", "not ready within 0.05 s")


async def test_another_life_begins_when_somebody_asks(nursery: Nursery) -> None:
    spec = await nursery.start("sys.exit(1)", restart=False)
    await nursery.sees(ProcessState.FAILED)
    await nursery.children.start(spec)
    await nursery.sees(ProcessState.STARTING)
    assert (await nursery.sees(ProcessState.FAILED)).restarts == 0


async def test_kill_does_not_ask_first(nursery: Nursery, gone: Gone) -> None:
    ready = await nursery.started(
        f"""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
        say(f"READY=1\\nSTATUS={{grandchild({DEAF!r}).pid}}")
        wait()
        """
    )
    await nursery.children.kill("asr")
    status = nursery.children.statuses()["asr"]
    assert (status.state, status.last_exit, status.pid) == (ProcessState.STOPPED, "SIGKILL", None)
    await gone(int(ready.status_text))


async def test_kill_hurries_a_stop_that_waits_for_a_deaf_process(nursery: Nursery) -> None:
    await nursery.started(f"{DEAF}; {READY}", stop_timeout_s=3600)
    stop = asyncio.create_task(nursery.children.stop("asr"))
    await nursery.sees(ProcessState.STOPPING)
    async with asyncio.timeout(20):
        await nursery.children.kill("asr")
        await stop
    assert nursery.children.statuses()["asr"].last_exit == "SIGKILL"


async def test_a_killed_process_can_be_started_again_and_is_then_asked_before_it_is_killed(nursery: Nursery) -> None:
    await nursery.started(READY)
    await nursery.children.kill("asr")
    await nursery.started("signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); say('READY=1'); wait()")
    await nursery.children.stop("asr")
    assert nursery.children.statuses()["asr"].last_exit == 9


async def test_the_processes_of_a_process_are_its_group(nursery: Nursery) -> None:
    spec = await nursery.start("child = grandchild(); say(f'READY=1\\nSTATUS={child.pid}'); wait()")
    ready = await nursery.sees(ProcessState.READY)
    assert set(nursery.children.pids("asr")) == {ready.pid, int(ready.status_text)}
    await nursery.children.stop("asr")
    assert nursery.children.pids("asr") == ()
    await nursery.children.start(spec)
    await nursery.sees(ProcessState.READY)
    with pytest.raises(ProcessUnknown):
        nursery.children.pids("cellar")
    with pytest.raises(ProcessUnknown):
        await nursery.children.kill("cellar")


async def test_a_process_that_left_the_group_is_ended_with_it(nursery: Nursery, gone: Gone) -> None:
    ready = await nursery.started(f"""
        say(f"READY=1\\nSTATUS={{grandchild({DEAF!r}, start_new_session=True).pid}}")
        wait()
    """)
    runaway = int(ready.status_text)
    assert os.getpgid(runaway) != ready.pid
    await nursery.children.stop("asr")
    await gone(runaway)


async def test_what_an_earlier_life_left_is_ended_before_the_next_one_begins(nursery: Nursery, gone: Gone) -> None:
    """As after a kill -9 of whoever managed it."""
    environment = {**os.environ, "NOTIFY_SOCKET": str(nursery.runtime_dir / "notify-asr.sock")}
    left = await asyncio.create_subprocess_exec("sleep", "3600", env=environment, start_new_session=True)
    try:
        await nursery.started(READY)
        await gone(left.pid)
    finally:
        if left.returncode is None:
            left.kill()
        await left.wait()
