"""A household's workers on one GPU, with the bytes and seconds that were measured (vLLM, Whisper, F5-TTS on CUDA).

What the specs say is what `config.yaml` would estimate; what the figures say is what the workers take. The two differ
a little, as they do: engines grow when they are used first.
"""

from __future__ import annotations

from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.worker_spec import WorkerSpec

from .figures import WorkerFigures

GIB = 2**30
GPU = "cuda:0"

ASR = ("asr", "asr-cpu")
LLM = ("llm", "llm-small")
TTS = ("f5", "piper")
STUDIO = ("cosyvoice",)


def _gib(size: float) -> int:
    return int(size * GIB)


def household_specs() -> list[WorkerSpec]:
    """Return the workers as their owner configured them."""
    return [
        WorkerSpec(
            name="llm",
            role="llm",
            devices=(GPU,),
            rest_bytes=_gib(8.4),
            peak_bytes=_gib(9.6),
            host_bytes=_gib(2.0),
            start_s=85.0,
            priority=80,
            preload=True,
            max_leases=8,
            can_sleep=True,
            sleep_bytes=_gib(0.9),
        ),
        WorkerSpec(
            name="asr",
            role="asr",
            devices=(GPU,),
            rest_bytes=_gib(2.5),
            peak_bytes=_gib(2.5),
            host_bytes=_gib(0.7),
            start_s=6.0,
            priority=90,
            preload=True,
            max_leases=5,
        ),
        WorkerSpec(
            name="f5",
            role="tts",
            devices=(GPU,),
            rest_bytes=_gib(2.1),
            peak_bytes=_gib(2.1),
            host_bytes=_gib(1.0),
            start_s=19.0,
            priority=70,
            preload=True,
            max_leases=5,
        ),
        WorkerSpec(
            name="cosyvoice",
            role="tts",
            devices=(GPU,),
            rest_bytes=_gib(4.5),
            peak_bytes=_gib(4.8),
            host_bytes=_gib(1.5),
            start_s=25.0,
            priority=40,
            keep_alive_s=600.0,
            max_leases=2,
        ),
        WorkerSpec(
            name="asr-cpu",
            role="asr",
            devices=(CPU,),
            rest_bytes=_gib(0.5),
            peak_bytes=_gib(0.6),
            start_s=3.0,
            preload=True,
            pinned=True,
        ),
        WorkerSpec(
            name="piper",
            role="tts",
            devices=(CPU,),
            rest_bytes=_gib(0.2),
            peak_bytes=_gib(0.2),
            start_s=1.5,
            preload=True,
            pinned=True,
        ),
        WorkerSpec(
            name="llm-small",
            role="llm",
            devices=(CPU,),
            rest_bytes=_gib(1.3),
            peak_bytes=_gib(1.4),
            start_s=3.0,
            preload=True,
            pinned=True,
        ),
    ]


def household_figures() -> dict[str, WorkerFigures]:
    """Return what they really take."""
    return {
        "llm": WorkerFigures(
            rest_bytes=_gib(8.23),
            peak_bytes=_gib(9.27),
            growth_bytes=_gib(0.15),
            sleep_bytes=_gib(0.87),
            host_bytes=_gib(2.2),
            start_s=82.0,
            stop_s=1.7,
            first_sleep_s=8.6,
            sleep_s=0.13,
            wake_s=0.4,
            return_lag_s=0.25,
        ),
        "asr": WorkerFigures(
            rest_bytes=_gib(2.3), peak_bytes=_gib(2.3), growth_bytes=_gib(0.19), host_bytes=_gib(0.8), start_s=5.5
        ),
        "f5": WorkerFigures(
            rest_bytes=_gib(1.61), peak_bytes=_gib(2.0), growth_bytes=_gib(0.52), host_bytes=_gib(1.1), start_s=18.6
        ),
        "cosyvoice": WorkerFigures(
            rest_bytes=_gib(4.4), peak_bytes=_gib(4.9), growth_bytes=_gib(0.3), host_bytes=_gib(1.6), start_s=24.0
        ),
        "asr-cpu": WorkerFigures(rest_bytes=_gib(0.5), peak_bytes=_gib(0.6), start_s=2.5),
        "piper": WorkerFigures(rest_bytes=_gib(0.2), peak_bytes=_gib(0.2), start_s=1.2),
        "llm-small": WorkerFigures(rest_bytes=_gib(1.25), peak_bytes=_gib(1.3), growth_bytes=_gib(0.1), start_s=2.8),
    }


COMPUTE_S: dict[str, float] = {
    "asr": 0.07,
    "asr-cpu": 0.6,
    "llm": 0.2,
    "llm-small": 1.6,
    "f5": 0.1,
    "cosyvoice": 0.7,
    "piper": 0.15,
}
"""What one piece of work takes: a transcript, an answer's tokens up to its first clause, a clause of speech."""
