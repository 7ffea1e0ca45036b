"""The simulated GPU: real processes hold memory in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.coordinator.device import DeviceReading
from avatar_appliance.coordinator.probes import ProbeFailed, SimulatedGpuProbe
from avatar_appliance.processes.process_identity import start_ticks
from avatar_appliance.processes.simulated_gpu import (
    FOLDER_VARIABLE,
    SimulatedAllocation,
    SimulatedCard,
    SimulatedOutOfMemory,
)

GIB = 2**30
MIB = 2**20
TOTAL_BYTES = 24 * GIB

HOLD = """
import sys
from avatar_appliance.processes.simulated_gpu import SimulatedAllocation
allocation = SimulatedAllocation.from_environment()
allocation.hold({size})
print(flush=True)
sys.stdin.read()
"""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gpu"


@pytest.fixture
def hog(started: Start, folder: Path) -> Callable[[int], subprocess.Popen[bytes]]:
    """Start a process that holds so many bytes."""
    return lambda size: started(HOLD.format(size=size), **{FOLDER_VARIABLE: str(folder)})


def read(probe: SimulatedGpuProbe) -> DeviceReading:
    [reading] = probe.read()
    return reading


def die(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_an_empty_card(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder, reserved_bytes=GIB)
    reading = read(probe)
    assert (reading.device, reading.total_bytes, reading.usable_bytes) == ("cuda:0", 24 * GIB, 23 * GIB)
    assert (reading.used_bytes, reading.processes) == (0, ())
    assert "simulated" in probe.notes()[0]


def test_what_processes_hold_is_seen_with_pid_and_name_until_they_die(folder: Path, hog: Any) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    game, worker = hog(10 * GIB), hog(3 * GIB)
    reading = read(probe)
    assert reading.used_bytes == 13 * GIB
    assert {(p.pid, p.used_bytes) for p in reading.processes or ()} == {(game.pid, 10 * GIB), (worker.pid, 3 * GIB)}
    assert all(process.name.startswith("python") for process in reading.processes or ())
    die(game)
    assert read(probe).used_bytes == 3 * GIB
    assert not (folder / str(game.pid)).exists()


def test_a_zombie_holds_nothing(folder: Path, hog: Any) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    worker = hog(GIB)
    worker.kill()
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert read(probe).used_bytes == 0


def test_a_pid_that_is_used_again_does_not_hold_what_its_last_owner_did(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    ours = start_ticks(os.getpid())
    assert ours is not None
    file = folder / str(os.getpid())
    file.write_text(json.dumps({"bytes": GIB, "start_ticks": ours - 1}))
    assert read(probe).used_bytes == 0
    assert not file.exists()
    file.write_text(json.dumps({"bytes": GIB, "start_ticks": ours}))
    assert read(probe).used_bytes == GIB


def test_a_line_in_a_shell_makes_a_hog(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    script = f"echo '{{\"bytes\": 9000000000}}' > {folder}/$$; echo; read end"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        assert read(probe).used_bytes == 9_000_000_000
    assert read(probe).used_bytes == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "{}", '{"bytes": "all"}', '{"bytes": -1}', '{"rss": 1}'])
def test_a_file_that_says_nothing_counts_for_nothing_and_stays_as_long_as_its_process(
    folder: Path, content: str, sleeper: Callable[[], subprocess.Popen[bytes]]
) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    process = sleeper()
    file = folder / str(process.pid)
    file.write_text(content)
    (folder / "notes.txt").write_text("not a pid")
    assert read(probe).used_bytes == 0
    die(process)
    read(probe)
    assert not file.exists()
    assert (folder / "notes.txt").exists()


def test_a_process_can_change_and_release_what_it_holds(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    allocation = SimulatedAllocation(folder)
    allocation.hold(5 * GIB)
    assert read(probe).used_bytes == 5 * GIB
    allocation.hold(2 * GIB)
    assert read(probe).used_bytes == 2 * GIB
    allocation.release()
    assert read(probe).used_bytes == 0
    allocation.release()


def test_a_process_can_let_its_resident_memory_count(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    SimulatedAllocation(folder).hold_rss()
    before = read(probe).used_bytes
    ballast = bytearray(os.urandom(1)) * (80 * MIB)
    grown = read(probe).used_bytes - before
    assert grown == pytest.approx(len(ballast), rel=0.1)


def test_what_is_not_free_is_not_had(folder: Path, hog: Any) -> None:
    SimulatedGpuProbe(TOTAL_BYTES, folder, reserved_bytes=GIB)
    other = hog(20 * GIB)
    allocation = SimulatedAllocation(folder)
    allocation.hold(3 * GIB)
    with pytest.raises(SimulatedOutOfMemory, match=f"{4 * GIB} bytes wanted, {3 * GIB} free"):
        allocation.hold(4 * GIB)
    with pytest.raises(SimulatedOutOfMemory):
        allocation.hold_rss(expected_bytes=3 * GIB)
    assert sum(holding.size_bytes for holding in SimulatedCard(folder).holdings()) == 23 * GIB  # as before
    die(other)
    allocation.hold(23 * GIB)


def test_where_no_card_was_laid_anything_can_be_held(tmp_path: Path) -> None:
    SimulatedAllocation(tmp_path).hold(10**15)


def test_processes_that_take_memory_at_once_never_get_more_than_there_is(folder: Path, started: Start) -> None:
    SimulatedGpuProbe(TOTAL_BYTES, folder)
    greedy = """
import sys
from avatar_appliance.processes.simulated_gpu import SimulatedAllocation, SimulatedOutOfMemory
allocation = SimulatedAllocation.from_environment()
print(flush=True)
sys.stdin.readline()
try:
    allocation.hold(5 * 2**30)
    print("got", flush=True)
    sys.stdin.read()
except SimulatedOutOfMemory:
    print("out of memory", flush=True)
"""
    racers = [started(greedy, **{FOLDER_VARIABLE: str(folder)}) for _ in range(8)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline() for racer in racers if racer.stdout is not None]
    assert sorted(answers) == [b"got\n"] * 4 + [b"out of memory\n"] * 4


def test_a_process_stopped_while_it_takes_memory_does_not_block_the_probe(folder: Path, ended_pid: int) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    dead = folder / str(ended_pid)
    dead.write_text('{"bytes": 1}')
    taken, let_go = threading.Event(), threading.Event()

    def take() -> None:
        with SimulatedCard(folder).taking():
            taken.set()
            let_go.wait()

    thread = threading.Thread(target=take)
    thread.start()
    taken.wait()
    assert read(probe).used_bytes == 0
    assert dead.exists()  # nobody is buried meanwhile
    let_go.set()
    thread.join()
    read(probe)
    assert not dead.exists()


# --- the bad habits of real cards ---


def test_memory_of_the_dead_can_come_back_late(folder: Path, hog: Any, clock: Any) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder, release_lag_s=2.0, clock=clock)
    worker = hog(7 * GIB)
    read(probe)
    die(worker)
    assert (read(probe).used_bytes, read(probe).processes) == (7 * GIB, ())
    clock.now_s += 1.9
    assert read(probe).used_bytes == 7 * GIB
    clock.now_s += 0.2
    assert read(probe).used_bytes == 0


def test_memory_that_was_released_comes_back_at_once(folder: Path, clock: Any) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder, release_lag_s=2.0, residue_bytes=MIB, clock=clock)
    allocation = SimulatedAllocation(folder)
    allocation.hold(GIB)
    read(probe)
    allocation.release()
    assert read(probe).used_bytes == 0


def test_some_of_it_can_stay(folder: Path, hog: Any) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder, residue_bytes=GIB)
    large, small = hog(7 * GIB), hog(100 * MIB)
    read(probe)
    die(large)
    die(small)
    assert read(probe).used_bytes == GIB + 100 * MIB
    assert read(probe).used_bytes == GIB + 100 * MIB
    probe.clear_residue()
    assert read(probe).used_bytes == 0


def test_pids_can_be_hidden_as_in_a_container(folder: Path, hog: Any) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder, hide_processes=True)
    hog(GIB)
    assert (read(probe).used_bytes, read(probe).processes) == (GIB, None)


def test_a_new_probe_finds_what_living_processes_hold(folder: Path, hog: Any) -> None:
    first = SimulatedGpuProbe(TOTAL_BYTES, folder)
    hog(GIB)
    first.close()
    assert read(SimulatedGpuProbe(TOTAL_BYTES, folder)).used_bytes == GIB


def test_a_card_never_reads_fuller_than_full(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder, reserved_bytes=GIB)
    (folder / str(os.getpid())).write_text(json.dumps({"bytes": 10**15}))
    reading = read(probe)
    assert reading.used_bytes == 23 * GIB
    assert reading.free_bytes == 0


def test_a_folder_that_is_gone_is_a_lost_gpu(folder: Path) -> None:
    probe = SimulatedGpuProbe(TOTAL_BYTES, folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with pytest.raises(ProbeFailed) as failed:
        probe.read()
    assert failed.value.devices == ("cuda:0",)


def test_without_the_variable_no_gpu_is_simulated() -> None:
    assert SimulatedAllocation.from_environment({}) is None
    assert SimulatedAllocation.from_environment({FOLDER_VARIABLE: ""}) is None
