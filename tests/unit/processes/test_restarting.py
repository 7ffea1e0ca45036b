"""Children that do not behave: they crash, hang, or cannot be started at all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.processes import EX_CONFIG, Children, ProcessFailed, ProcessSpec, ProcessState, RestartPolicy

if TYPE_CHECKING:
    from .conftest import Nursery

READY = "say('READY=1'); wait()"


async def test_a_killed_child_is_started_again(nursery: Nursery) -> None:
    first = await nursery.started("say('READY=1\\nSTATUS=at work'); wait()")
    assert first.pid
    os.kill(first.pid, signal.SIGKILL)
    waiting = await nursery.sees(ProcessState.STARTING)
    assert (waiting.pid, waiting.last_exit, waiting.status_text) == (None, "SIGKILL", "tries again in 0.001 s")
    assert waiting.last_error == "killed by SIGKILL (its last status: at work)"
    again = await nursery.sees(ProcessState.READY)
    assert again.pid not in (None, first.pid)
    assert (again.restarts, again.last_exit) == (1, "SIGKILL")
    await nursery.children.restart("asr")
    asked = await nursery.sees(ProcessState.READY)
    assert (asked.restarts, asked.last_exit, asked.last_error) == (0, "SIGTERM", ""), "asked for: a clean slate"


async def test_an_exit_nobody_asked_for_is_a_failure_even_with_code_0(nursery: Nursery) -> None:
    first = await nursery.started("""
        signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    assert first.pid
    os.kill(first.pid, signal.SIGUSR1)
    again = await nursery.sees(ProcessState.READY)
    assert (again.restarts, again.last_exit, again.last_error) == (1, 0, "ended by itself with exit code 0")


async def test_a_crash_loop_ends_in_failed_with_one_try_after_each_cool_down(nursery: Nursery) -> None:
    await nursery.start("sys.exit(3)")
    for restarts in (2, 3, 4):  # crash_limit lives first, then one after each cool-down
        failed = await nursery.sees(ProcessState.FAILED)
        assert (failed.restarts, failed.last_exit, failed.pid) == (restarts, 3, None)
        assert failed.last_error == "ended by itself with exit code 3"
        assert failed.status_text == "tries again in 0.02 s"


async def test_a_crash_loop_that_mends_itself_leads_to_ready(nursery: Nursery, tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    status = await nursery_started_after_failures(nursery, lives, failures=3)
    assert (status.restarts, status.last_exit) == (3, 3)
    assert nursery.states()[-3:] == [ProcessState.FAILED, ProcessState.STARTING, ProcessState.READY]


async def nursery_started_after_failures(nursery: Nursery, lives: Path, failures: int):  # type: ignore[no-untyped-def]
    await nursery.start(f"""
        with open({str(lives)!r}, "a") as file:
            file.write("x")
        if os.path.getsize({str(lives)!r}) <= {failures}:
            sys.exit(3)
        say("READY=1")
        wait()
    """)
    return await nursery.sees(ProcessState.READY)


async def test_a_long_ready_life_wipes_the_slate_clean(nursery: Nursery) -> None:
    now_s = 0.0
    nursery.with_policy(RestartPolicy(first_delay_s=0.001, crash_limit=2, cool_down_s=3600), clock=lambda: now_s)
    for _ in range(3):  # two failures within the window would be a crash loop
        status = await nursery.started(READY) if not nursery.seen else await nursery.sees(ProcessState.READY)
        now_s += 60.0
        os.kill(status.pid or 0, signal.SIGKILL)
    assert (await nursery.sees(ProcessState.READY)).restarts == 3
    os.kill(nursery.children.statuses()["asr"].pid or 0, signal.SIGKILL)
    await nursery.sees(ProcessState.FAILED)


async def test_ex_config_fails_at_once_and_is_tried_again_only_when_asked(nursery: Nursery, tmp_path: Path) -> None:
    flag = tmp_path / "mended"
    body = f"""
        if not os.path.exists({str(flag)!r}):
            say("STATUS=voice x is unknown")
            sys.exit({EX_CONFIG})
        say("READY=1")
        wait()
    """
    spec = await nursery.start(body)
    failed = await nursery.sees(ProcessState.FAILED)
    assert (failed.restarts, failed.last_exit, failed.status_text) == (0, 78, "")
    assert failed.last_error == (
        "its configuration cannot be used (exit code 78) (its last status: voice x is unknown)"
    )
    flag.touch()
    await nursery.children.start(spec)
    ready = await nursery.sees(ProcessState.READY)
    assert (ready.last_error, ready.last_exit) == ("", 78)


async def test_a_child_that_does_not_get_ready_in_time_is_killed(nursery: Nursery) -> None:
    await nursery.start("signal.signal(signal.SIGTERM, signal.SIG_IGN); wait()", start_timeout_s=0.05)
    failed = await nursery.sees(ProcessState.FAILED)
    assert (failed.last_exit, failed.last_error) == ("SIGKILL", "not ready within 0.05 s")
    assert failed.restarts == 2, "a start that takes too long counts like any other failure"


async def test_a_program_that_cannot_be_run_is_a_failure_like_any_other(nursery: Nursery) -> None:
    await nursery.children.start(ProcessSpec("asr", ("/no/such/program",), "worker", start_timeout_s=1))
    failed = await nursery.sees(ProcessState.FAILED)
    assert failed.last_error == "cannot be started: No such file or directory: /no/such/program"
    assert failed.restarts == 2
    assert nursery.pids == set()


async def test_a_runtime_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    async with Children(taken, policy=RestartPolicy(crash_limit=1)) as children:
        await children.start(ProcessSpec("asr", ("true",), "worker", start_timeout_s=1))
        with pytest.raises(ProcessFailed, match=f"cannot be started: File exists: {taken}"):
            await children.wait_ready(["asr"], 20)


async def test_stop_during_the_start_ends_the_child(nursery: Nursery) -> None:
    await nursery.start("say('STATUS=loading'); wait()")
    await nursery.sees(lambda status: status.status_text == "loading")
    await nursery.children.stop("asr")
    status = nursery.children.statuses()["asr"]
    assert (status.state, status.last_exit, status.last_error) == (ProcessState.STOPPED, "SIGTERM", "")
    assert nursery.states() == [ProcessState.STARTING, ProcessState.STOPPING, ProcessState.STOPPED]


async def test_stop_before_the_child_was_even_spawned_starts_nothing_that_stays(nursery: Nursery) -> None:
    await nursery.start(READY)
    await nursery.children.stop("asr")
    assert nursery.children.statuses()["asr"].state is ProcessState.STOPPED


@pytest.mark.parametrize("exit_code", [1, EX_CONFIG])
async def test_stop_ends_the_wait_for_another_try(nursery: Nursery, exit_code: int) -> None:
    nursery.with_policy(RestartPolicy(first_delay_s=3600, longest_delay_s=3600))
    spec = await nursery.start(f"sys.exit({exit_code})")
    await nursery.sees(lambda status: status.last_exit is not None)
    async with asyncio.timeout(5):
        await nursery.children.stop("asr")
    assert nursery.children.statuses()["asr"].state is ProcessState.STOPPED
    await nursery.children.start(replace(spec, argv=(sys.executable, "-S", spec.argv[-1])))
    assert (await nursery.sees(lambda status: bool(status.last_error))).restarts == 0


async def test_start_and_stop_during_a_cool_down_are_carried_out_at_once(nursery: Nursery, tmp_path: Path) -> None:
    nursery.with_policy(RestartPolicy(crash_limit=1, cool_down_s=3600))
    flag = tmp_path / "mended"
    body = f"os.path.exists({str(flag)!r}) or sys.exit(1); say('READY=1'); wait()"
    spec = await nursery.start(body)
    await nursery.sees(ProcessState.FAILED)
    await nursery.children.start(spec)
    await nursery.sees(ProcessState.FAILED)
    await nursery.children.stop("asr")
    assert nursery.children.statuses()["asr"].state is ProcessState.STOPPED
    flag.touch()
    await nursery.children.start(spec)
    assert (await nursery.sees(ProcessState.READY)).restarts == 0


async def test_a_child_that_stops_by_itself_is_stopping_then_started_again(nursery: Nursery) -> None:
    first = await nursery.started("""
        signal.signal(signal.SIGUSR1, lambda *_: say("STOPPING=1"))
        signal.signal(signal.SIGUSR2, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    assert first.pid
    os.kill(first.pid, signal.SIGUSR1)
    await nursery.sees(ProcessState.STOPPING)
    os.kill(first.pid, signal.SIGUSR2)
    assert (await nursery.sees(ProcessState.READY)).restarts == 1


async def test_a_child_that_says_it_stops_and_does_not_is_killed(nursery: Nursery) -> None:
    first = await nursery.started(
        "signal.signal(signal.SIGUSR1, lambda *_: say('STOPPING=1')); say('READY=1'); wait()", stop_timeout_s=0.02
    )
    os.kill(first.pid or 0, signal.SIGUSR1)
    again = await nursery.sees(ProcessState.READY)
    assert (again.last_exit, again.last_error) == ("SIGKILL", "said it stops, and did not within 0.02 s")
