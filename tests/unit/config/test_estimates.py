"""Estimates against what was measured: never below it, and not absurdly above."""

from __future__ import annotations

import pytest

from avatar_appliance.config.embedded_estimates import (
    estimate_espeak,
    estimate_llama_cpp,
    estimate_piper,
    estimate_whisper,
)
from avatar_appliance.config.memory_estimate import GIB, MIB, MemoryEstimate, ModelSize

TURBO = ModelSize(1_617_884_929 + 5_000_000)
BASE = ModelSize(147_882_611, 270_000_000)
JOE = ModelSize(63_206_088, 300_000_000)
QWEN_05B = ModelSize(491_400_064, 760_000_000)
QWEN_15B = ModelSize(1_117_320_768, 2_000_000_000)


@pytest.mark.parametrize(
    ("estimate", "measured_bytes"),
    [
        # Of the process by NVML after use, on an H100 whose CUDA context is 0.63 GiB.
        pytest.param(estimate_whisper("cuda:0", "float16", TURBO), 2549 * MIB, id="turbo float16"),
        pytest.param(estimate_whisper("cuda:0", "int8_float16", TURBO), 1623 * MIB, id="turbo int8_float16"),
        # Resident set on a CPU.
        pytest.param(estimate_whisper("cpu", "auto", BASE), 270_000_000, id="base int8"),
        pytest.param(estimate_piper([JOE]), 296_000_000, id="piper joe"),
        pytest.param(estimate_espeak(), 112 * MIB, id="espeak"),
        pytest.param(estimate_llama_cpp("cpu", 4096, QWEN_05B), 760_000_000, id="0.5B"),
        pytest.param(estimate_llama_cpp("cpu", 4096, QWEN_15B), 2_000_000_000, id="1.5B"),
        # The same without the catalogue's figure: a model of the owner's own.
        pytest.param(estimate_whisper("cpu", "int8", ModelSize(BASE.file_bytes)), 270_000_000, id="base from a path"),
        pytest.param(
            estimate_llama_cpp("cpu", 4096, ModelSize(QWEN_05B.file_bytes)), 760_000_000, id="0.5B from a path"
        ),
        pytest.param(
            estimate_llama_cpp("cpu", 4096, ModelSize(QWEN_15B.file_bytes)), 1_900_000_000, id="1.5B from a path"
        ),
    ],
)
def test_an_estimate_covers_what_was_measured_and_wastes_little(estimate: MemoryEstimate, measured_bytes: int) -> None:
    assert measured_bytes * 0.99 <= estimate.rest_bytes <= measured_bytes * 1.35
    assert estimate.peak_bytes >= estimate.rest_bytes
    assert estimate.start_s > 0


def test_quantising_while_loading_takes_more_than_the_result() -> None:
    assert estimate_whisper("cpu", "int8", BASE).peak_bytes >= 350_000 * 1024  # measured


def test_auto_computes_in_float16_on_a_gpu_and_int8_on_a_cpu() -> None:
    assert estimate_whisper("cuda:1", "auto", TURBO) == estimate_whisper("cuda:1", "float16", TURBO)
    assert estimate_whisper("cpu", "auto", TURBO) == estimate_whisper("cpu", "int8", TURBO)


def test_no_cpu_computes_in_float16() -> None:
    assert estimate_whisper("cpu", "float16", TURBO) == estimate_whisper("cpu", "float32", TURBO)


def test_a_longer_context_and_a_second_voice_take_more() -> None:
    short, long = (estimate_llama_cpp("cpu", tokens, QWEN_15B) for tokens in (4096, 32_768))
    assert long.rest_bytes - short.rest_bytes == pytest.approx(28_672 * 28_672, rel=0.05)  # by its config.json
    assert estimate_piper([JOE, JOE]).rest_bytes > estimate_piper([JOE]).rest_bytes


def test_on_a_gpu_ram_is_needed_beside() -> None:
    on_gpu, on_cpu = (estimate_llama_cpp(device, 4096, QWEN_15B) for device in ("cuda:0", "cpu"))
    assert 0 < on_gpu.host_bytes < on_cpu.host_bytes == on_cpu.rest_bytes
    assert on_gpu.rest_bytes > QWEN_15B.file_bytes + 600 * MIB


def test_what_nobody_knows_is_assumed() -> None:
    for estimate in (
        estimate_whisper("cuda:0", "auto", None),
        estimate_piper([None]),
        estimate_llama_cpp("cpu", 4096, None),
    ):
        assert 200 * MIB < estimate.rest_bytes < 3 * GIB


def test_a_start_that_peaks_below_what_stays_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="peaks"):
        MemoryEstimate(rest_bytes=2, peak_bytes=1, start_s=1.0)
