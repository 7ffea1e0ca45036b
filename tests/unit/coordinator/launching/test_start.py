"""Starts, and how each way they can fail is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.coordinator.launcher import LaunchFailed, WorkerLauncher
from avatar_appliance.coordinator.launching import NotYet, ProbeRefused, ProcessLauncher
from avatar_appliance.processes import ProcessState
from avatar_appliance.processes.assignment import DeviceAssignment, read_assignment

from .conftest import GIB, READY, ScriptedProbe

if TYPE_CHECKING:
    from .conftest import House

DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


async def fails(house: House) -> LaunchFailed:
    """Start `w`, which must fail and leave nothing behind."""
    with pytest.raises(LaunchFailed) as failed:
        await house.start()
    assert house.launcher.pids("w") == ()
    assert house.launcher.progress("w") == ""
    assert read_assignment(house.runtime_dir, "w") is None
    assert house.exits.empty(), "a failed start is no end of a worker that was up"
    return failed.value


def test_it_is_a_worker_launcher(house: House) -> None:
    launcher: WorkerLauncher = house.launcher
    assert isinstance(launcher, ProcessLauncher)


async def test_a_start_is_over_when_the_probe_is_answered(house: House) -> None:
    probe = house.script(READY, probe=ScriptedProbe(NotYet(), ProbeRefused("cold"), NotYet()))
    await house.start()
    assert probe.asked == 4
    status = house.children.statuses()["w"]
    assert status.state is ProcessState.READY
    assert house.launcher.pids("w") == [status.pid]
    assert read_assignment(house.runtime_dir, "w") == DeviceAssignment("cuda:0", GIB)


async def test_the_assignment_is_there_before_the_process_is(house: House) -> None:
    house.script(f"""
        import json
        assignment = json.load(open({str(house.runtime_dir / "assignment-w.json")!r}))
        say(f"READY=1\\nSTATUS={{assignment['device']}} {{assignment['limit_bytes']}}")
        wait()
    """)
    await house.start(device="cuda:1")
    assert house.children.statuses()["w"].status_text == f"cuda:1 {GIB}"


async def test_its_progress_can_be_followed(house: House) -> None:
    probe = house.script("""
        signal.signal(signal.SIGUSR1, lambda *_: say("STATUS=loading"))
        signal.signal(signal.SIGUSR2, lambda *_: say("READY=1"))
        wait()
    """)
    probe.gate.clear()
    assert house.launcher.progress("w") == ""
    starting = asyncio.create_task(house.start())
    await house.progress("starting")
    with house.children.changes() as changes:
        while not house.launcher.pids("w"):
            await anext(changes)
    [pid] = house.launcher.pids("w")
    while not _catches(pid, signal.SIGUSR2):
        await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGUSR1)
    await house.progress("loading")
    os.kill(pid, signal.SIGUSR2)
    await house.progress("warming up")
    probe.gate.set()
    await starting
    assert house.launcher.progress("w") == ""


def _catches(pid: int, number: int) -> bool:
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (number - 1))


@pytest.mark.parametrize(
    ("body", "failure", "text"),
    [
        ("sys.exit(101)", "out-of-memory", "ran out of memory"),
        ("say('STATUS=CUDA error: out of memory'); sys.exit(1)", "out-of-memory", "CUDA error"),
        ("sys.exit(78)", "config", "configuration cannot be used"),
        ("sys.exit(1)", "crashed", "exit code 1"),
        ("sys.exit(0)", "crashed", "exit code 0"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed", "killed by SIGSEGV"),
    ],
)
async def test_a_process_that_ends_says_why(house: House, body: str, failure: str, text: str) -> None:
    house.script(body)
    error = await fails(house)
    assert error.failure == failure
    assert text in error.text


@pytest.mark.parametrize("body", [f"{DEAF}; wait()", f"{DEAF}; {READY}"])
async def test_a_hung_start_is_killed_at_its_deadline(house: House, body: str) -> None:
    probe = house.script(body, start_timeout_s=0.3)
    probe.gate.clear()
    error = await fails(house)
    assert error.failure == "timeout"
    assert "not ready within 0.3 s" in error.text
    assert house.children.statuses()["w"].last_exit == "SIGKILL"


async def test_a_worker_that_refuses_its_first_requests_is_ended(house: House) -> None:
    probe = house.script(READY, probe=ScriptedProbe(*[ProbeRefused("no kernel image")] * 3))
    error = await fails(house)
    assert (error.failure, error.text) == ("crashed", "its first request failed: no kernel image")
    assert probe.asked == 3


async def test_memory_that_runs_out_at_the_first_request_is_told_as_such(house: House) -> None:
    house.script(READY, probe=ScriptedProbe(*[ProbeRefused("HTTP 500: CUDA Error: out of memory")] * 3))
    assert (await fails(house)).failure == "out-of-memory"


async def test_a_process_that_ends_while_it_is_probed_ends_the_start(house: House) -> None:
    probe = house.script(READY)
    probe.gate.clear()
    starting = asyncio.create_task(fails(house))
    await house.progress("warming up")
    os.kill(house.launcher.pids("w")[0], signal.SIGKILL)
    error = await starting
    assert (error.failure, error.text) == ("crashed", "killed by SIGKILL (its last status: listening)")


async def test_a_defect_of_a_probe_leaves_no_process_either(house: House) -> None:
    house.script(READY, probe=ScriptedProbe(RuntimeError("defect")))
    with pytest.raises(RuntimeError, match="defect"):
        await house.start()
    assert house.launcher.pids("w") == ()


async def test_a_folder_that_cannot_be_written_is_named(house: House) -> None:
    house.script(READY)
    (house.runtime_dir / "assignment-w.new").mkdir()
    try:
        with pytest.raises(LaunchFailed, match=r"cannot be written down: Is a directory: .*assignment-w\.new") as error:
            await house.start()
        assert error.value.failure == "unavailable"
    finally:
        (house.runtime_dir / "assignment-w.new").rmdir()


async def test_a_program_that_does_not_exist_is_a_crash_with_its_name(house: House) -> None:
    house.script(READY, env={"BROKEN": "\0"})
    assert (await fails(house)).text.startswith("cannot be started")


@pytest.mark.parametrize("when", ["starting", "loading", "warming up"])
async def test_a_cancelled_start_ends_its_process(house: House, when: str) -> None:
    loading = "say('STATUS=loading'); wait()"
    probe = house.script(READY if when == "warming up" else loading)
    probe.gate.clear()
    starting = asyncio.create_task(house.start())
    await house.progress(when)
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    assert house.launcher.pids("w") == ()
    assert read_assignment(house.runtime_dir, "w") is None
    assert house.children.statuses()["w"].state is ProcessState.STOPPED
    assert house.exits.empty()


async def test_what_runs_unknown_to_us_is_ended_before_a_start(house: House) -> None:
    house.script(READY)
    await house.children.start(house.workers["w"].spec)
    await house.children.wait_ready(["w"], 20)
    [stray] = house.launcher.pids("w")
    await house.start()
    assert stray not in house.launcher.pids("w")


async def test_a_worker_can_be_started_again_after_each_failure(house: House) -> None:
    house.script("sys.exit(101)")
    await fails(house)
    house.script(READY)
    await house.start()
    await house.launcher.stop("w")
    await house.start(device="cpu")
    assert read_assignment(house.runtime_dir, "w") == DeviceAssignment("cpu", GIB)
