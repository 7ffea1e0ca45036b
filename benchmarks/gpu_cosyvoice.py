"""The CosyVoice worker on a GPU, in its true size with random weights: memory and times are real, the sound is noise.

    PYTHON -m benchmarks.random_cosyvoice SOURCE MODEL
    PYTHON -m benchmarks.gpu_cosyvoice MODEL [MODEL ...] > benchmarks/results/gpu-cosyvoice.json

PYTHON is that of CosyVoice's environment, with nvidia-ml-py in it. A profile is written into the index as the appliance
does, spoken with by our worker's own process over its socket, and deleted. The model says 0.8 s for each character.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.coordinator.probes import NvmlProbe
from avatar_appliance.voices.voice_index import ClonedVoice, voice_index_path, write_voice_index

from .worker_process import ROOT, WorkerProcess, worker_process

VOICE = "clone:anna:1"
TRANSCRIPT = "He was not an ill disposed young man."
REFERENCE_S = 5.0
VARIANTS: dict[str, dict[str, bool]] = {
    "recorded": {"cuda_graphs": True},
    "upstream's steps": {"cuda_graphs": False},
    "half precision": {"cuda_graphs": False, "half_precision": True},
}
TEXTS = {f"{0.8 * count:.1f} s": "打开窗户" * (count // 4) + "打开窗"[: count % 4] for count in (3, 12, 36)}


@dataclass
class Spoken:
    """One text: when its sound came, and how much of it."""

    first_ms: float = 0.0
    total_s: float = 0.0
    audio_s: float = 0.0
    waits_s: float = 0.0
    """How long a player that starts with the first sound had nothing to play."""
    arrivals: list[tuple[float, float]] = field(default_factory=list)

    def hear(self, at_s: float, audio_s: float) -> None:
        if not self.arrivals:
            self.first_ms = at_s * 1000
        played_s = at_s - self.first_ms / 1000
        self.waits_s = max(self.waits_s, played_s - self.audio_s)
        self.audio_s += audio_s
        self.arrivals.append((at_s, audio_s))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", nargs="+", type=Path)
    options.add_argument("--folder", type=Path, default=Path("/tmp/gpu-cosyvoice"))
    options.add_argument("--rounds", type=int, default=12)
    options.add_argument("--variants", nargs="+", choices=tuple(VARIANTS), default=list(VARIANTS))
    options.add_argument("--device", default="cuda")
    chosen = options.parse_args()
    report = {
        "command": "PYTHON -m benchmarks.gpu_cosyvoice MODEL...",
        "gpu": gpu_name(),
        "weights": "random, of the true architecture",
        "reference_s": REFERENCE_S,
        "runs": [],
    }
    for model in chosen.models:
        for variant in chosen.variants:
            report["runs"].append(asyncio.run(measure(model, chosen, variant)))
            print(json.dumps(report["runs"][-1]), file=sys.stderr, flush=True)
    json.dump(report, sys.stdout, indent=1)
    print()


def gpu_name() -> str:
    return next((reading.name for reading in NvmlProbe().read()), "none")


async def measure(model: Path, options: argparse.Namespace, variant: str) -> dict[str, Any]:
    """Start the worker, and do with it what a household does."""
    version = 3 if (model / "cosyvoice3.yaml").exists() else 2
    folder = options.folder / f"{version}-{variant}"
    worker = {"engine": "cosyvoice", "model": str(model), "device": options.device, **VARIANTS[variant]}
    found: dict[str, Any] = {"model": f"CosyVoice {version}", "variant": variant, **VARIANTS[variant]}
    async with worker_process(folder, "studio", worker, python=sys.executable) as (running, ready_s):
        found["ready_after_s"] = ready_s
        found["ready_mib"], found["start_peak_mib"] = running.held_mib(), running.peak_mib
        found["ready_ram_mib"] = running.resident_mib()
        async with AsyncClient.from_uri(f"unix://{running.socket}") as client:
            await with_a_profile(client, running, folder / "state", options.rounds, found)
        found["stopped"] = await running.stop()
    return found


async def with_a_profile(
    client: AsyncClient, running: WorkerProcess, state: Path, rounds: int, found: dict[str, Any]
) -> None:
    index = voice_index_path(state)
    assert await offered(client) == []
    write_voice_index(index, [profile(index.parent)])
    began = time.perf_counter()
    assert await offered(client) == [VOICE]
    found["listed_after_ms"] = ms(time.perf_counter() - began)
    first = await speak(client, TEXTS["2.4 s"])
    found["first_sentence_in_a_new_voice"] = summary([first])
    found["texts"] = {}
    for name, text in TEXTS.items():
        count = max(3, rounds // 5) if name == "28.8 s" else rounds
        found["texts"][name] = summary([await speak(client, text) for _ in range(count)])
        found["texts"][name]["held_mib"] = running.held_mib()
    usual_ms = found["texts"]["2.4 s"]["first_sound_ms"]["median"]
    found["to_prepare_a_voice_ms"] = round(first.first_ms - usual_ms, 1)
    found["used_mib"], found["peak_mib"], found["used_ram_mib"] = (
        running.held_mib(), running.peak_mib, running.resident_mib(),
    )  # fmt: skip
    write_voice_index(index, [])
    assert await offered(client) == []
    try:
        await speak(client, TEXTS["2.4 s"])
    except LookupError as error:
        found["after_deletion"] = str(error)


def profile(folder: Path) -> ClonedVoice:
    """Five seconds of a recording of the tests as a profile's reference."""
    import numpy as np
    import soundfile
    import soxr

    samples, rate_hz = soundfile.read(ROOT / "tests/data/speech/en_librivox_0880.wav", dtype="float32")
    sound = soxr.resample(np.resize(samples, int(REFERENCE_S * rate_hz)), rate_hz, 24_000)
    file = folder / "anna" / "reference-1.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, sound, 24_000, subtype="PCM_16")
    return ClonedVoice(
        id="anna", name="Anna", languages=("en", "zh-TW"), version=1, speed=1, tier="auto", purpose="answers",
        is_default=False, reference=file, transcript=TRANSCRIPT, transcript_language="en",
    )  # fmt: skip


async def offered(client: AsyncClient) -> list[str]:
    await client.write_event(Describe().event())
    event = await client.read_event()
    assert event is not None
    return [voice.name for voice in Info.from_event(event).tts[0].voices]


async def speak(client: AsyncClient, text: str) -> Spoken:
    """Speak; raises LookupError with the code of an error."""
    spoken, began = Spoken(), time.perf_counter()
    await client.write_event(Synthesize(text, SynthesizeVoice(name=VOICE)).event())
    while (event := await client.read_event()) is not None:
        if Error.is_type(event.type):
            raise LookupError(Error.from_event(event).code)
        if AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            spoken.hear(time.perf_counter() - began, len(chunk.audio) / (2 * chunk.rate))
        if AudioStop.is_type(event.type):
            break
    spoken.total_s = time.perf_counter() - began
    return spoken


def summary(spoken: list[Spoken]) -> dict[str, Any]:
    return {
        "n": len(spoken),
        "audio_s": round(spoken[0].audio_s, 2),
        "first_sound_ms": spread(spoken, lambda each: each.first_ms),
        "real_time_factor": round(median(each.total_s / each.audio_s for each in spoken), 3),
        "longest_wait_in_play_ms": spread(spoken, lambda each: each.waits_s * 1000),
    }


def spread(spoken: list[Spoken], value: Callable[[Spoken], float]) -> dict[str, float]:
    values = sorted(map(value, spoken))
    return {"median": round(median(values)), "p95": round(values[int(0.95 * (len(values) - 1) + 0.5)])}


def ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


if __name__ == "__main__":
    main()
