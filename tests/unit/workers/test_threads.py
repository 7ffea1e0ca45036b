"""How many threads an engine takes, on machines with one and with two threads to a core."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wyoming_servers.workers.threads import cpu_threads, physical_cores


def machine(folder: Path, *siblings: str) -> Path:
    for number, text in enumerate(siblings):
        topology = folder / f"cpu{number}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{text}\n")
    return folder


def test_two_threads_of_one_core_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpus = machine(tmp_path, "0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert physical_cores(cpus) == 4


def test_only_the_cores_this_process_may_use_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpus = machine(tmp_path, "0", "1", "2", "3")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3})
    assert physical_cores(cpus) == 2


def test_where_the_kernel_tells_nothing_each_cpu_is_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    assert physical_cores(tmp_path / "none") == 6


def test_an_engine_is_bounded_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.workers.threads.physical_cores", lambda: 16)
    assert (cpu_threads(0), cpu_threads(3), cpu_threads(12)) == (4, 3, 12)
