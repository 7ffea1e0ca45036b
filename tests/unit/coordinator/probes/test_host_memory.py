"""RAM as a device: of the machine, of a container, of given processes."""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.coordinator.probes import HostMemoryProbe, ProbeFailed, processes_in_ram
from avatar_appliance.processes.process_memory import process_ram, process_rss_bytes

GIB = 2**30
MIB = 2**20


class Machine:
    """A /proc and a /sys/fs/cgroup of the test's making."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.cgroups = folder / "proc", folder / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.cgroups.mkdir()
        self.has(64 * GIB, 40 * GIB)
        self.we_are_in("/")

    def has(self, total_bytes: int, available_bytes: int) -> None:
        lines = {"MemTotal": total_bytes, "MemFree": 0, "MemAvailable": available_bytes, "HugePages_Total": 0}
        text = "".join(f"{key}: {value // 1024:>12} kB\n" for key, value in lines.items())
        (self.proc / "meminfo").write_text(text.replace("HugePages_Total:            0 kB", "HugePages_Total: 0"))

    def we_are_in(self, group: str) -> None:
        (self.proc / "self" / "cgroup").write_text(f"4:memory:/elsewhere\n0::{group}\n")

    def group(self, path: str, limit_bytes: int | None, current_bytes: int = 0, inactive_file_bytes: int = 0) -> None:
        folder = self.cgroups / path.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text("max\n" if limit_bytes is None else f"{limit_bytes}\n")
        (folder / "memory.current").write_text(f"{current_bytes}\n")
        (folder / "memory.stat").write_text(f"anon 1\nfile 2\ninactive_file {inactive_file_bytes}\n")

    def probe(self, **options: Any) -> HostMemoryProbe:
        return HostMemoryProbe(proc=self.proc, cgroups=self.cgroups, **options)

    def gib(self, **options: Any) -> tuple[float, float]:
        """What the probe says: total and used."""
        [reading] = self.probe(**options).read()
        assert reading.device == "cpu"
        assert reading.processes is None
        return reading.total_bytes / GIB, reading.used_bytes / GIB


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_ram_of_a_machine_is_what_it_has_less_what_is_available(machine: Machine) -> None:
    assert machine.gib() == (64, 24)
    assert machine.probe().notes() == []


def test_a_limit_above_what_the_machine_has_changes_nothing(machine: Machine) -> None:
    machine.we_are_in("/avatar.slice/avatar.service")
    machine.group("/avatar.slice/avatar.service", None, GIB)
    machine.group("/avatar.slice", 100 * GIB, GIB)
    assert machine.gib() == (64, 24)
    assert machine.probe().notes() == []


def test_the_limit_of_a_group_above_us_is_the_size_and_its_idle_file_pages_are_free(machine: Machine) -> None:
    machine.we_are_in("/avatar.slice/avatar.service")
    machine.group("/avatar.slice/avatar.service", None)
    machine.group("/avatar.slice", 8 * GIB, 5 * GIB, inactive_file_bytes=2 * GIB)
    assert machine.gib() == (8, 3)
    assert "less RAM than the machine has" in machine.probe().notes()[0]


def test_the_size_of_the_smallest_limit_comes_with_the_room_of_the_tightest_place(machine: Machine) -> None:
    machine.we_are_in("/a/b")
    machine.group("/a", 32 * GIB, 31 * GIB)
    machine.group("/a/b", 8 * GIB, 2 * GIB)
    assert machine.gib() == (8, 7)
    machine.has(64 * GIB, GIB // 2)
    assert machine.gib() == (8, 7.5)


def test_a_group_beyond_its_limit_has_nothing_left(machine: Machine) -> None:
    machine.we_are_in("/a")
    machine.group("/a", 8 * GIB, 9 * GIB)
    assert machine.gib() == (8, 8)


def test_a_container_with_a_cgroup_namespace_has_its_limit_at_the_root(machine: Machine) -> None:
    machine.group("/", 4 * GIB, GIB)
    assert machine.gib() == (4, 1)


def test_where_workers_are_units_of_their_own_our_own_limit_is_not_theirs(machine: Machine) -> None:
    machine.we_are_in("/avatar.slice/avatar-control.service")
    machine.group("/avatar.slice/avatar-control.service", GIB, GIB // 2)
    machine.group("/avatar.slice", 16 * GIB, 4 * GIB)
    assert machine.gib() == (1, 0.5)
    assert machine.gib(workers_in_our_cgroup=False) == (16, 4)


@pytest.mark.parametrize("own", ["/../outside", "", "not even a path"])
def test_a_group_that_cannot_be_seen_limits_nothing(machine: Machine, own: str) -> None:
    machine.we_are_in(own)
    machine.group("/", None)
    assert machine.gib() == (64, 24)


def test_a_group_that_goes_while_it_is_read_limits_nothing(machine: Machine) -> None:
    machine.we_are_in("/a")
    machine.group("/a", GIB, 1)
    (machine.cgroups / "a" / "memory.stat").unlink()
    assert machine.gib() == (64, 24)


@pytest.mark.parametrize("meminfo", [None, "", "MemTotal: 12 kB\n", "MemTotal:\nMemAvailable:\n"])
def test_ram_that_cannot_be_read_is_an_error(machine: Machine, meminfo: str | None) -> None:
    (machine.proc / "meminfo").unlink()
    if meminfo is not None:
        (machine.proc / "meminfo").write_text(meminfo)
    with pytest.raises(ProbeFailed) as failed:
        machine.probe().read()
    assert failed.value.devices == ("cpu",)


def test_this_machine_has_memory() -> None:
    [reading] = HostMemoryProbe().read()
    assert 0 < reading.used_bytes < reading.total_bytes


# --- given processes ---


HOLDER = """
import mmap, sys
memory = mmap.mmap(-1, {size}, flags={flags})
print(flush=True)
sys.stdin.read()
"""


def holder(size_bytes: int, flags: int) -> str:
    return HOLDER.format(size=size_bytes, flags=flags | mmap.MAP_POPULATE)


@pytest.mark.parametrize("kind", ["anonymous", "shared"])
def test_memory_a_process_touched_is_its_own_whether_shared_or_not(
    kind: str, started: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    flags = mmap.MAP_ANONYMOUS | {"anonymous": mmap.MAP_PRIVATE, "shared": mmap.MAP_SHARED}[kind]
    small, large = started(holder(mmap.PAGESIZE, flags)), started(holder(100 * MIB, flags))
    rams = {process.pid: process_ram(process.pid) for process in (small, large)}
    less, more = rams[small.pid], rams[large.pid]
    assert less is not None
    assert more is not None
    assert more.own_bytes - less.own_bytes == pytest.approx(100 * MIB, rel=0.05)
    assert more.rss_bytes == more.own_bytes + more.file_bytes
    assert more.file_bytes > MIB  # the interpreter itself


def test_mapped_files_are_resident_and_not_their_process_s_own(
    started: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(os.urandom(64 * MIB))
    code = (
        f"import mmap, sys; f = open({str(weights)!r}, 'rb'); "
        "m = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE, prot=mmap.PROT_READ); "
        "print(flush=True); sys.stdin.read()"
    )
    ram = process_ram(started(code).pid)
    assert ram is not None
    assert ram.file_bytes >= 64 * MIB
    assert ram.own_bytes < 64 * MIB


def test_only_the_processes_asked_for_are_measured_and_those_gone_are_left_out(ended_pid: int) -> None:
    [one] = processes_in_ram([os.getpid(), ended_pid])
    assert one.pid == os.getpid()
    assert one.used_bytes == pytest.approx(process_rss_bytes(os.getpid()), rel=0.2)
    assert one.name == Path("/proc/self/comm").read_text().strip()
    assert process_rss_bytes(ended_pid) is None


def test_a_zombie_holds_nothing(zombie_pid: int) -> None:
    assert process_rss_bytes(zombie_pid) == 0


def test_field_names_are_those_of_this_kernel() -> None:
    status: Mapping[str, str] = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line
    )
    assert {"RssAnon", "RssFile", "RssShmem"} <= status.keys()
