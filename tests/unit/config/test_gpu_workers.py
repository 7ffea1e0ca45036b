"""The sections of the engines on a GPU: what they refuse, and what they expect to hold."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from avatar_appliance.config.gpu_workers import CosyVoiceWorker, F5TtsWorker, VllmWorker
from avatar_appliance.config.memory_estimate import GIB, MIB, MemoryEstimate, ModelSize

VOICE = {"name": "a", "language": "zh-TW", "reference_audio": "/a.wav", "reference_text": "後面的燈"}


def f5(**values: Any) -> F5TtsWorker:
    return F5TtsWorker(**{"engine": "f5-tts", "model": "/m", "voices": [VOICE], **values})


def cosyvoice(**values: Any) -> CosyVoiceWorker:
    return CosyVoiceWorker(**{"engine": "cosyvoice", "model": "/m", "voices": [VOICE], **values})


def vllm(**values: Any) -> VllmWorker:
    return VllmWorker(**{"engine": "vllm", "model": "/m/Qwen3-8B-AWQ", **values})


# Files, KV cache; held by the process after use and at the peak of a cold start (MiB by NVML, H100).
MEASURED = [(5_570_000_000, 2 * GIB, 8_586, 9_489), (6_100_000_000, 3 * GIB, 9_956, 11_017)]


@pytest.mark.parametrize(("files", "kv_cache", "rest_mib", "peak_mib"), MEASURED)
def test_vllm_is_estimated_a_little_above_what_was_measured(
    files: int, kv_cache: int, rest_mib: int, peak_mib: int
) -> None:
    estimate = vllm(kv_cache=kv_cache).estimate("cuda:0", lambda _: ModelSize(files))
    assert rest_mib - 16 <= estimate.rest_bytes / MIB <= rest_mib * 1.03
    assert peak_mib <= estimate.peak_bytes / MIB <= peak_mib * 1.05
    assert estimate.sleep_bytes is not None
    assert 890 * MIB < estimate.sleep_bytes < GIB


def test_vllm_that_never_sleeps_says_so_and_a_dummy_is_as_large_as_a_real_one() -> None:
    awake = vllm(sleep_level=0).estimate("cuda:0", lambda _: ModelSize(6_100_000_000))
    assert awake.sleep_bytes is None
    dummy = vllm(load_format="dummy").estimate("cuda:0", lambda _: ModelSize(1000))
    assert dummy.rest_bytes > 9 * GIB
    assert vllm().estimate("cuda:0", lambda _: None).rest_bytes == dummy.rest_bytes


def test_the_estimates_of_the_voices() -> None:
    def of(worker: F5TtsWorker | CosyVoiceWorker, device: str = "cuda:0") -> MemoryEstimate:
        return worker.estimate(device, lambda _: None)

    assert of(f5()).rest_bytes == int(1.8 * GIB)
    assert of(f5()).peak_bytes == int(2.1 * GIB)
    assert of(f5(cuda_graphs=False)).rest_bytes < of(f5()).rest_bytes
    assert of(cosyvoice()).rest_bytes == int(4.75 * GIB)
    on_cpu = of(f5(device="cpu", weights="random", size="tiny"), "cpu")
    assert on_cpu.rest_bytes == on_cpu.host_bytes < 2 * GIB


def test_no_voice_runs_on_a_cpu_unless_that_is_asked_for() -> None:
    for worker in (f5(), cosyvoice(device="auto"), f5(device="cuda:1")):
        assert worker.runs_on == ("gpu",)
    assert f5(device="cpu").runs_on == ("cpu",)
    assert vllm().runs_on == ("gpu",)
    with pytest.raises(ValidationError, match="needs a GPU"):
        vllm(device="cpu")


def test_the_better_voice_makes_room_for_the_faster_one() -> None:
    assert cosyvoice().default_priority < vllm().default_priority < f5().default_priority


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model": None}, "name the folder with the checkpoint"),
        ({"size": "tiny"}, "exists with weights: random only"),
        ({"nfe_steps": 8}, "Input should be 5, 6, 7, 10, 12, 16 or 32"),
        ({"voices": [VOICE, VOICE]}, "two have the same name"),
        ({"voices": [{**VOICE, "reference_text": "  "}]}, "reference_text is empty"),
    ],
)
def test_what_f5_tts_refuses(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        f5(**values)


def test_the_transcript_of_a_recording_is_in_no_representation() -> None:
    assert "後面的燈" not in repr(f5())


def test_recorded_lengths_are_put_in_order() -> None:
    assert f5(graph_frames=[512, 256, 512]).graph_frames == [256, 512]
