"""A control plane killed and started again: its workers live on, and are found with where they are."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from avatar_appliance.client import UnixEndpoint, describe
from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.launcher import Running
from avatar_appliance.coordinator.launching import ProcessLauncher, launchable
from avatar_appliance.processes import ProcessState
from avatar_appliance.processes.assignment import DeviceAssignment, write_assignment

from .conftest import DEADLINE_S, manager, script, spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from systemd_harness import FakeSystemd, PrivateBus

ROOT = Path(__file__).parents[2]
UNIT = "avatar-worker@{}.service"

# A control plane without anything but a launcher: starts what it is told, says what it found and started, and waits.
CONTROL = """
import asyncio, json, sys
from pathlib import Path
from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.launching import ProcessLauncher, launchable
from avatar_appliance.processes import ProcessSpec
from avatar_appliance.processes.systemd_units import SystemdUnits

async def main(folder, *names):
    workers = {
        name: launchable(ProcessSpec(name, ("unit",), "worker", 60), role, socket_path(folder, name))
        for name, role in (("ears", "asr"), ("voice", "tts"))
    }
    async with SystemdUnits() as units, ProcessLauncher(units, workers, folder) as launcher:
        found = [[r.worker, r.device, r.asleep] for r in await launcher.running()]
        for name in names:
            await launcher.start(name, "cpu", 2**30)
        print(json.dumps({"found": found, "pids": {name: list(launcher.pids(name)) for name in workers}}), flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


async def control(folder: Path, bus: PrivateBus, *names: str) -> tuple[asyncio.subprocess.Process, dict[str, object]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONTROL, str(folder), *names,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
    )  # fmt: skip
    assert process.stdout
    async with asyncio.timeout(60):
        return process, json.loads(await process.stdout.readline())


def fakes(folder: Path) -> dict[str, object]:
    config = {
        "asr": {"workers": ["ears"]},
        "tts": {"workers": ["voice"]},
        "conversation": {"workers": ["brain"]},
        "workers": {
            name: {"engine": "fake", "fake_role": role}
            for name, role in (("ears", "asr"), ("voice", "tts"), ("brain", "llm"))
        },
        "paths": {key: str(folder) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return config


async def test_workers_survive_a_control_plane_that_was_killed(
    bus: PrivateBus, systemd: FakeSystemd, folder: Path
) -> None:
    fakes(folder)
    arguments = ("-m", "wyoming_servers", "--config", str(folder / "config.yaml"), "worker", "%i")
    unit_file = script("")
    systemd.files["avatar-worker@"] = type(unit_file)((sys.executable, *arguments), env={"PYTHONPATH": str(ROOT)})
    first, said = await control(folder, bus, "ears", "voice")
    assert said["found"] == []
    first.kill()
    await first.wait()
    info = await describe(UnixEndpoint(socket_path(folder, "voice")))
    assert info.tts[0].name == "fake-tts", "it answers with nobody to look after it"
    second, again = await control(folder, bus)
    try:
        assert sorted(again["found"]) == [["ears", "cpu", False], ["voice", "cpu", False]]  # type: ignore[call-overload]
        assert again["pids"] == said["pids"]
        assert systemd.units[UNIT.format("ears")].starts == 1
        assert [verb for verb, _ in systemd.calls] == ["start", "start"], "nothing was started twice"
    finally:
        second.kill()
        await second.wait()


async def test_one_killed_in_the_middle_of_a_start_leaves_nothing_half_started(
    bus: PrivateBus, systemd: FakeSystemd, folder: Path
) -> None:
    systemd.files["avatar-worker@"] = script("say('STATUS=loading'); wait()")
    write_assignment(folder, "piper", DeviceAssignment("cuda:0"))
    async with manager(bus) as first:
        await first.units.start(spec("piper"))
        loading = await first.sees(lambda status: status.status_text == "loading")
    async with manager(bus) as second, launcher(second, folder) as successor:
        assert second.units.statuses()["piper"].pid == loading.pid
        assert await successor.running() == []
        assert second.units.statuses()["piper"].state is ProcessState.STOPPED
        assert systemd.units[UNIT.format("piper")].pid == 0


async def test_a_found_worker_is_watched_and_one_that_somebody_starts_by_hand_is_not_ours(
    bus: PrivateBus, systemd: FakeSystemd, folder: Path
) -> None:
    for name in ("piper", "other"):
        await systemd.start(UNIT.format(name))
    write_assignment(folder, "piper", DeviceAssignment("cuda:1"))
    async with manager(bus) as witness, launcher(witness, folder) as successor:
        assert await successor.running() == [Running("piper", "cuda:1", asleep=False)]
        ended: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        successor.on_exit(lambda worker, why: ended.set_result((worker, why)))
        os.kill(systemd.units[UNIT.format("other")].pid, signal.SIGKILL)
        os.kill(systemd.units[UNIT.format("piper")].pid, signal.SIGKILL)
        assert await asyncio.wait_for(ended, DEADLINE_S) == ("piper", "killed by SIGKILL")


async def test_a_start_given_up_at_once_leaves_no_unit_running(
    bus: PrivateBus, systemd: FakeSystemd, folder: Path
) -> None:
    """Whether systemd has heard of it yet or not."""
    systemd.files["avatar-worker@"] = script("wait()")
    name = UNIT.format("piper")
    moments: list[Callable[[int, int], bool]] = [
        *(lambda turns, _, after=after: turns >= after for after in (0, 1, 2, 3, 5, 8, 12, 20, 40)),
        # However slow the machine and its message bus are, from here on systemd has heard of it.
        lambda _, heard: heard > 0,
        lambda _, heard: heard > 0 and systemd.units[name].pid > 0,
        lambda _, heard: heard > 0 and bool(ours.pids("piper")),
    ]
    async with manager(bus) as witness, launcher(witness, folder) as ours:
        for number, reached in enumerate(moments):
            before = told(systemd, "start")
            starting = asyncio.create_task(ours.start("piper", "cpu", 1))
            async with asyncio.timeout(DEADLINE_S):
                for turns in itertools.count():
                    if starting.done() or reached(turns, told(systemd, "start") - before):
                        break
                    await asyncio.sleep(0)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            with witness.units.changes() as changes:
                while witness.units.statuses().get("piper") and ours.pids("piper"):
                    await anext(changes)
            unit = systemd.units.get(name)
            assert unit is None or unit.job == (0, "/")
            assert unit is None or unit.state == "inactive", f"given up at moment {number}"
    assert told(systemd, "start") >= 3, "the last three were heard"
    assert told(systemd, "stop") == told(systemd, "start"), "systemd was told to start it, and then to stop it"


def told(systemd: FakeSystemd, verb: str) -> int:
    """How often systemd was told that."""
    return [said for said, _ in systemd.calls].count(verb)


def launcher(witness: object, folder: Path) -> ProcessLauncher:
    """A launcher of `piper` and `other` over that manager."""
    units = witness.units  # type: ignore[attr-defined]
    workers = {name: launchable(spec(name), "tts", socket_path(folder, name)) for name in ("piper", "other")}
    return ProcessLauncher(units, workers, folder)
