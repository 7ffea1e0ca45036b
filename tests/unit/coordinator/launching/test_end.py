"""Ends of workers: asked for, refused, and not asked for."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.coordinator.launcher import Running
from avatar_appliance.errors import AvatarError
from avatar_appliance.processes import ProcessState, SystemdUnavailable, UnitDenied
from avatar_appliance.processes.assignment import assignment_path, read_assignment

from .conftest import READY, ScriptedProbe

if TYPE_CHECKING:
    from .conftest import House

DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


async def test_stop_leaves_nothing_and_is_no_exit(house: House) -> None:
    house.script(READY)
    await house.start()
    await house.launcher.stop("w")
    assert house.launcher.pids("w") == ()
    assert read_assignment(house.runtime_dir, "w") is None
    assert house.exits.empty()
    await house.launcher.stop("w")
    await house.launcher.stop("never-started")
    await house.launcher.kill("never-started")
    assert house.launcher.pids("never-started") == ()


async def test_a_worker_deaf_to_sigterm_is_killed_with_its_whole_group(house: House) -> None:
    house.script(
        f"""
        {DEAF}
        deaf = "import signal; signal.signal(15, 1); print(flush=True); signal.pause()"
        child = subprocess.Popen([sys.executable, "-S", "-c", deaf], stdout=subprocess.PIPE)
        child.stdout.readline()
        say("READY=1")
        wait()
        """,
        stop_timeout_s=0.05,
    )
    await house.start()
    pids = house.launcher.pids("w")
    assert len(pids) == 2
    await house.launcher.stop("w")
    assert not [pid for pid in pids if alive(pid)]


async def test_kill_hurries_a_stop(house: House) -> None:
    house.script(f"{DEAF}; {READY}", stop_timeout_s=3600)
    await house.start()
    stopping = asyncio.create_task(house.launcher.stop("w"))
    with house.children.changes() as changes:
        while house.children.statuses()["w"].state is not ProcessState.STOPPING:
            await anext(changes)
    await house.launcher.kill("w")
    await stopping
    assert house.exits.empty()


async def test_a_worker_that_ends_by_itself_is_told_once_and_not_restarted(house: House) -> None:
    house.script(READY)
    await house.start()
    os.kill(house.launcher.pids("w")[0], signal.SIGKILL)
    assert await house.exit() == ("w", "killed by SIGKILL (its last status: listening)")
    assert house.children.statuses()["w"].state is ProcessState.FAILED
    await house.launcher.stop("w")
    await house.start()
    await house.launcher.stop("w")
    assert house.exits.empty()


async def test_a_worker_that_ends_well_by_itself_is_told_too(house: House) -> None:
    house.script("signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0)); say('READY=1'); wait()")
    await house.start()
    os.kill(house.launcher.pids("w")[0], signal.SIGUSR1)
    assert await house.exit() == ("w", "ended by itself with exit code 0")


async def test_a_worker_started_anew_by_somebody_else_has_ended(house: House) -> None:
    house.script(READY)
    await house.start()
    await house.children.restart("w")
    assert (await house.exit())[0] == "w"


async def test_a_listener_that_breaks_harms_nobody(house: House) -> None:
    house.script(READY)
    house.script(READY, name="v")
    house.launcher.on_exit(lambda worker, why: 1 / 0)  # type: ignore[arg-type,return-value]
    told: list[str] = []
    house.launcher.on_exit(lambda worker, why: told.append(worker))
    for name in ("w", "v"):
        await house.start(name)
        os.kill(house.launcher.pids(name)[0], signal.SIGKILL)
        await house.exit()
    assert told == ["w", "v"]


async def test_a_manager_that_is_away_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatar_appliance.coordinator.launching.process_launcher.RETRY_S", 0.01)
    house.script(READY)
    await house.start()
    answers: list[AvatarError] = [SystemdUnavailable("away"), SystemdUnavailable("away")]
    stop = house.children.stop

    async def shaky(name: str) -> None:
        if answers:
            raise answers.pop()
        await stop(name)

    monkeypatch.setattr(house.children, "stop", shaky)
    await house.launcher.stop("w")
    assert house.launcher.pids("w") == ()
    await house.start()
    answers.append(UnitDenied("no rule"))
    with pytest.raises(UnitDenied):
        await house.launcher.stop("w")


async def test_what_is_up_is_found_with_its_device(house: House) -> None:
    house.script(READY)
    await house.start(device="cuda:3")
    assert await house.launcher.running() == [Running("w", "cuda:3", asleep=False)]


async def test_what_is_only_on_its_way_is_ended_and_not_found(house: House) -> None:
    house.script("say('STATUS=loading'); wait()")
    await house.children.start(house.workers["w"].spec)
    assert await house.launcher.running() == []
    assert house.children.statuses()["w"].state is ProcessState.STOPPED


@pytest.mark.parametrize("content", [None, "{"])
async def test_what_nobody_wrote_down_is_not_ours(house: House, content: str | None) -> None:
    house.script(READY)
    await house.children.start(house.workers["w"].spec)
    await house.children.wait_ready(["w"], 20)
    if content is not None:
        assignment_path(house.runtime_dir, "w").write_text(content)
    assert await house.launcher.running() == []
    assert house.children.statuses()["w"].state is ProcessState.READY, "it is left alone"


async def test_leaving_forgets_where_workers_ran_that_run_no_more(house: House) -> None:
    house.script(READY)
    house.script(READY, name="v")
    await house.start()
    await house.start("v")
    await house.children.stop("w")
    await house.launcher.__aexit__()
    assert read_assignment(house.runtime_dir, "w") is None
    assert read_assignment(house.runtime_dir, "v") is not None


async def test_a_found_worker_that_ends_is_told(house: House) -> None:
    probe = ScriptedProbe()
    house.script(READY, probe=probe)
    await house.start()
    async with type(house.launcher)(house.children, house.workers, house.runtime_dir) as successor:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        successor.on_exit(lambda worker, why: ended.set_result(worker))
        await successor.running()
        os.kill(successor.pids("w")[0], signal.SIGKILL)
        assert await asyncio.wait_for(ended, 20) == "w"
    assert probe.asked == 1, "who is found ready is not asked to work again: it may be at work"


def alive(pid: int) -> bool:
    """Whether it runs; an orphan's zombie is up to the init of this machine."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
