"""Nothing is left behind: no grandchild, no zombie, no socket, whatever way a child ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.errors import ShuttingDown
from avatar_appliance.processes import Children, ProcessSpec, ProcessState, ProcessStatus, RestartPolicy

if TYPE_CHECKING:
    from .conftest import Nursery

Gone = Callable[[int], Awaitable[None]]
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
READY = "say('READY=1'); wait()"


async def test_a_child_deaf_to_sigterm_is_killed_with_its_grandchildren(nursery: Nursery, gone: Gone) -> None:
    ready = await nursery.started(
        f"""
        {DEAF}
        say(f"READY=1\\nSTATUS={{grandchild({DEAF!r}).pid}}")
        wait()
        """,
        stop_timeout_s=0.03,
    )
    await nursery.children.stop("asr")
    status = nursery.children.statuses()["asr"]
    assert (status.state, status.last_exit, status.pid) == (ProcessState.STOPPED, "SIGKILL", None)
    await gone(int(ready.status_text))
    await gone(ready.pid or 0)


async def test_what_a_child_leaves_behind_when_it_ends_as_asked_is_killed(nursery: Nursery, gone: Gone) -> None:
    ready = await nursery.started(f"""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        say(f"READY=1\\nSTATUS={{grandchild({DEAF!r}).pid}}")
        wait()
    """)
    await nursery.children.stop("asr")
    assert nursery.children.statuses()["asr"].last_exit == 0
    await gone(int(ready.status_text))


async def test_what_a_crashed_child_leaves_behind_is_gone_before_its_next_life(
    nursery: Nursery, tmp_path: Path
) -> None:
    lock = tmp_path / "port"
    # The lock stands for a port: it is free when nobody has the file open any more.
    hold = f"import fcntl; held = open({str(lock)!r}, 'w'); fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    ready = await nursery.started(f"""
        if grandchild({hold!r}).poll() is not None:
            sys.exit(1)
        say("READY=1")
        wait()
    """)
    os.kill(ready.pid or 0, signal.SIGKILL)
    again = await nursery.sees(ProcessState.READY)
    assert (again.restarts, again.last_exit) == (1, "SIGKILL"), "the second life found the port free at once"


async def test_no_zombie_is_left_of_many_short_lives(
    nursery: Nursery, nothing_is_left: Callable[[set[int]], None]
) -> None:
    nursery.with_policy(RestartPolicy(first_delay_s=0.001, longest_delay_s=0.001, crash_limit=100))
    await nursery.start("sys.exit(1)")
    await nursery.sees(lambda status: status.restarts == 10)
    await nursery.children.stop("asr")
    assert len(nursery.pids) >= 10
    nothing_is_left(nursery.pids)


async def test_a_child_that_survives_sigkill_is_failed_and_never_started_twice(
    nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery.with_policy(RestartPolicy(kill_timeout_s=0.02))
    spec = await nursery.start(f"{DEAF}; {READY}", stop_timeout_s=0.02)
    ready = await nursery.sees(ProcessState.READY)
    assert ready.pid
    with monkeypatch.context() as driver:
        driver.setattr(os, "killpg", lambda group, number: None)  # as if a driver held it in the kernel
        await nursery.children.stop("asr")
    failed = nursery.children.statuses()["asr"]
    assert (failed.state, failed.pid) == (ProcessState.FAILED, ready.pid)
    assert failed.last_error == f"process {ready.pid} does not end, not even after SIGKILL"
    await nursery.children.start(spec)
    await nursery.sees(lambda status: status.last_error.endswith("of its last life is still there"))
    os.kill(ready.pid, signal.SIGKILL)
    await nursery.sees(lambda status: status.pid is None and status.last_exit == "SIGKILL")
    await nursery.children.start(spec)
    assert (await nursery.sees(ProcessState.READY)).pid != ready.pid


async def test_stop_all_stops_servers_before_workers(nursery: Nursery) -> None:
    for name, role in (("asr", "server"), ("whisper", "worker"), ("tts", "server"), ("piper", "worker")):
        await nursery.start(READY, name, role=role)
    await nursery.children.wait_ready(["asr", "tts", "whisper", "piper"], 20)
    await nursery.children.stop_all()
    moments = [(status.name, status.state) for status in nursery.seen]
    servers_gone = max(moments.index((name, ProcessState.STOPPED)) for name in ("asr", "tts"))
    workers_told = min(moments.index((name, ProcessState.STOPPING)) for name in ("whisper", "piper"))
    assert servers_gone < workers_told
    assert {status.state for status in nursery.children.statuses().values()} == {ProcessState.STOPPED}


async def test_a_role_unknown_to_the_start_order_is_stopped_first(nursery: Nursery) -> None:
    for name in ("bridge", "server", "worker"):
        await nursery.started(READY, name, role=name)
    await nursery.children.stop_all()
    stopped = [status.name for status in nursery.seen if status.state is ProcessState.STOPPED]
    assert stopped == ["bridge", "server", "worker"]


async def test_a_role_is_stopped_all_at_once(nursery: Nursery, tmp_path: Path) -> None:
    pipes = [tmp_path / "one", tmp_path / "two"]
    for pipe in pipes:
        os.mkfifo(pipe)
    for name, mine, other in (("asr", *pipes), ("tts", *reversed(pipes))):
        # Each end of a pipe opens only when the other one does: none of them ends before both were told to.
        await nursery.started(
            f"""
            def meet(*_):
                for path, mode in sorted([({str(mine)!r}, "r"), ({str(other)!r}, "w")]):
                    open(path, mode).close()
                sys.exit(0)
            signal.signal(signal.SIGTERM, meet)
            say("READY=1")
            wait()
            """,
            name,
            role="server",
        )
    await nursery.children.stop_all()
    assert [status.last_exit for status in nursery.children.statuses().values()] == [0, 0]


async def test_nothing_is_started_while_everything_stops(nursery: Nursery) -> None:
    spec = await nursery.start("""
        signal.signal(signal.SIGTERM, lambda *_: say("STATUS=draining"))
        signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
        say("READY=1")
        wait()
    """)
    ready = await nursery.sees(ProcessState.READY)
    stopping = asyncio.create_task(nursery.children.stop_all())
    await nursery.sees(lambda status: status.status_text == "draining")
    with pytest.raises(ShuttingDown):
        await nursery.start(READY, "late")
    with pytest.raises(ShuttingDown):
        await nursery.children.restart("asr")
    os.kill(ready.pid or 0, signal.SIGUSR1)
    await stopping
    await nursery.children.start(spec)
    again = await nursery.sees(ProcessState.READY)
    await asyncio.gather(nursery.children.stop_all(), _kill_when_told(nursery, again.pid or 0))


async def _kill_when_told(nursery: Nursery, pid: int) -> None:
    await nursery.sees(lambda status: status.status_text == "draining")
    os.kill(pid, signal.SIGUSR1)


SCRIPT = """
import os, signal, socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    signal.pause()
"""


def test_children_do_not_outlive_an_event_loop_that_ends_without_stopping_them(
    runtime_dir: Path, nothing_is_left: Callable[[set[int]], None]
) -> None:
    """`asyncio.run` cancels all tasks at its end; the supervision kills its child then."""
    seen: list[ProcessStatus] = []

    async def main() -> None:
        children = Children(runtime_dir)
        children.on_change(seen.append)
        argv = (sys.executable, "-S", "-c", SCRIPT)
        await children.start(ProcessSpec("asr", argv, "worker", start_timeout_s=20))
        await children.wait_ready(["asr"], 20)

    asyncio.run(main())
    pids = {status.pid for status in seen if status.pid}
    assert len(pids) == 1
    nothing_is_left(pids)
    assert seen[-1].state is ProcessState.STOPPED
