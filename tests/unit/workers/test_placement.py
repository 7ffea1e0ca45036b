"""What a device assignment changes in a worker's settings."""

from __future__ import annotations

import pytest

from avatar_appliance.config.workers import FasterWhisperWorker, LlamaCppWorker, PiperWorker
from avatar_appliance.processes.assignment import DeviceAssignment
from wyoming_servers.workers.placement import placed

CPU, GPU = DeviceAssignment("cpu"), DeviceAssignment("cuda:1", 2**30)


def test_without_an_assignment_the_section_counts() -> None:
    worker = FasterWhisperWorker(engine="faster-whisper", device="cuda:3")
    assert placed(worker, None) is worker


@pytest.mark.parametrize("section", ["auto", "cpu", "cuda", "cuda:3"])
def test_the_assignment_wins_over_the_section(section: str) -> None:
    worker = FasterWhisperWorker(engine="faster-whisper", device=section)
    assert placed(worker, GPU).device == "cuda:1"
    assert placed(worker, CPU).device == "cpu"


@pytest.mark.parametrize(
    ("wanted", "on_cpu"),
    [("auto", "auto"), ("int8", "int8"), ("float32", "float32"), ("float16", "auto"), ("int8_float16", "auto")],
)
def test_half_precision_stays_on_the_gpu(wanted: str, on_cpu: str) -> None:
    worker = FasterWhisperWorker(engine="faster-whisper", compute_type=wanted)  # type: ignore[arg-type]
    assert placed(worker, CPU).compute_type == on_cpu
    assert placed(worker, GPU).compute_type == wanted


@pytest.mark.parametrize(("layers", "on_gpu"), [(-1, -1), (20, 20), (0, -1)])
def test_layers_go_where_the_worker_goes(layers: int, on_gpu: int) -> None:
    worker = LlamaCppWorker(engine="llama-cpp", gpu_layers=layers)
    assert placed(worker, GPU).gpu_layers == on_gpu
    assert placed(worker, CPU).gpu_layers == 0


def test_a_worker_that_lives_on_the_cpu_anyway_is_left_alone() -> None:
    worker = PiperWorker(engine="piper")
    assert placed(worker, CPU) is worker
