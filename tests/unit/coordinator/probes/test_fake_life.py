"""The memory of a scripted worker, and the faults of its start, in the process of the test."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.config.workers import FakeWorker
from avatar_appliance.coordinator.probes import SimulatedGpuProbe
from avatar_appliance.processes.process_memory import process_rss_bytes
from avatar_appliance.processes.simulated_gpu import FOLDER_VARIABLE, SimulatedAllocation, SimulatedOutOfMemory
from wyoming_servers.workers.fake_child import leave_child
from wyoming_servers.workers.fake_life import FakeLife
from wyoming_servers.workers.fake_memory import FakeMemory

GIB = 2**30
MIB = 2**20


class Card:
    """A simulated GPU of 24 GiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._probe = SimulatedGpuProbe(24 * GIB, folder)

    @property
    def used_bytes(self) -> int:
        [reading] = self._probe.read()
        return reading.used_bytes

    def allocation(self) -> SimulatedAllocation:
        return SimulatedAllocation(self.folder)

    def life(self, device: str = "cuda:0", **settings: Any) -> FakeLife:
        worker = {"engine": "fake", "fake_role": "asr", "device": device, **settings}
        return FakeLife(FakeWorker.model_validate(worker), self.allocation())


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path / "gpu")


def rss_bytes() -> int:
    size_bytes = process_rss_bytes(os.getpid())
    assert size_bytes is not None
    return size_bytes


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition, ten seconds at most."""
    tick = threading.Event()

    def wait(condition: Callable[[], bool]) -> None:
        for _ in range(1000):
            if condition():
                return
            tick.wait(0.01)
        raise AssertionError("it never came")

    return wait


def test_a_start_peaks_above_what_is_held_later(card: Card, until: Any) -> None:
    loading = threading.Thread(target=card.life(memory="7GiB", peak_memory="8GiB", load_s=0.2).load)
    loading.start()
    until(lambda: card.used_bytes == 8 * GIB)
    loading.join()
    assert card.used_bytes == 7 * GIB


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_worker_that_was_given_no_gpu_claims_nothing_there(card: Card, device: str) -> None:
    card.life(device, memory="7GiB").load()
    assert card.used_bytes == 0


def test_a_worker_without_a_size_claims_nothing(card: Card) -> None:
    card.life().load()
    assert list(card.folder.glob("[0-9]*")) == []


def test_a_start_that_is_to_run_out_of_memory_does(card: Card) -> None:
    with pytest.raises(MemoryError, match="scripted"):
        card.life(memory="1GiB", oom_at_start=True).load()


def test_a_start_on_a_card_without_room_is_out_of_memory_for_real(card: Card) -> None:
    (card.folder / str(os.getppid())).write_text(f'{{"bytes": {20 * GIB}}}')
    with pytest.raises(SimulatedOutOfMemory):
        card.life(memory="5GiB").load()
    assert card.used_bytes == 20 * GIB


def test_a_worker_can_grow_beyond_what_it_was_said_to_hold(card: Card, until: Any) -> None:
    card.life(memory="1GiB", grow_to="3GiB", grow_after_s=0).load()
    until(lambda: card.used_bytes == 3 * GIB)


def test_a_worker_that_cannot_grow_goes_on_with_what_it_has(
    card: Card, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    card.life(memory="1GiB", grow_to="30GiB", grow_after_s=0).load()
    until(lambda: "would grow beyond its estimate, and cannot" in caplog.text)
    assert card.used_bytes == GIB
    assert caplog.records[-1].levelno == logging.WARNING


def test_ram_is_taken_until_the_whole_process_is_so_large_and_given_back() -> None:
    memory, before = FakeMemory(allocate=True), rss_bytes()
    memory.resize(before + 300 * MIB)
    assert rss_bytes() == pytest.approx(before + 300 * MIB, abs=20 * MIB)
    memory.resize(before + 100 * MIB)
    assert rss_bytes() == pytest.approx(before + 100 * MIB, abs=40 * MIB)
    memory.resize(0)
    assert rss_bytes() == pytest.approx(before, abs=40 * MIB)


def test_ram_that_is_taken_counts_on_the_simulated_card(card: Card) -> None:
    memory, before = FakeMemory(card.allocation(), allocate=True), rss_bytes()
    memory.resize(before + 200 * MIB)
    assert card.used_bytes == pytest.approx(before + 200 * MIB, abs=20 * MIB)
    memory.resize(0)


def test_ram_is_not_taken_where_the_simulated_card_has_no_room(card: Card) -> None:
    before = rss_bytes()
    with pytest.raises(SimulatedOutOfMemory):
        FakeMemory(card.allocation(), allocate=True).resize(30 * GIB)
    assert rss_bytes() - before < 20 * MIB


def test_ram_that_the_kernel_refuses_is_out_of_memory_and_nothing_is_kept(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = """
import os, resource
from avatar_appliance.processes.process_memory import process_rss_bytes
from wyoming_servers.workers.fake_memory import FakeMemory
before = process_rss_bytes(os.getpid())
resource.setrlimit(resource.RLIMIT_AS, (2**30, resource.RLIM_INFINITY))
try:
    FakeMemory(allocate=True).resize(2 * 2**30)
except MemoryError as error:
    print(error, (process_rss_bytes(os.getpid()) - before) < 2**26)
"""
    assert python(code).stdout.endswith("bytes of RAM wanted: Cannot allocate memory True\n")


def test_a_child_holds_memory_of_its_own_in_the_same_group(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(card.folder))
    with leave_child(2 * GIB, on_gpu=True, allocate=False) as child:
        try:
            assert card.used_bytes == 2 * GIB
            assert os.getpgid(child.pid) == os.getpgrp()
        finally:
            child.kill()
    assert card.used_bytes == 0


def test_a_child_that_cannot_have_its_memory_is_out_of_memory(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(card.folder))
    with pytest.raises(MemoryError, match="could not hold"):
        leave_child(25 * GIB, on_gpu=True, allocate=False)


def test_sizes_of_a_fake_worker_are_written_as_people_do() -> None:
    worker = FakeWorker.model_validate(
        {"engine": "fake", "fake_role": "asr", "memory": "500MiB", "grow_to": "7.1 GiB", "leave_child": 4096}
    )
    assert (worker.memory, worker.grow_to, worker.leave_child) == (500 * MIB, 7_623_566_950, 4096)
    assert worker.wanted_device == "cpu"
