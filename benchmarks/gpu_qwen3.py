"""The Qwen3-TTS worker on a GPU, in its true sizes with random weights: memory and times are real, the sound is noise.

    PYTHON -m benchmarks.gpu_qwen3 > benchmarks/results/gpu-qwen3.json

PYTHON is that of Qwen3-TTS's environment (`avatar workers install qwen3-tts`), with nvidia-ml-py in it. A profile is
written into the index as the appliance does, and spoken with by our worker's own process over its socket. Random
weights find no end, so each text is spoken for as long as the worker lets a text be; the times are per second of sound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.coordinator.probes import NvmlProbe
from avatar_appliance.voices.voice_index import ClonedVoice, voice_index_path, write_voice_index

from .worker_process import WorkerProcess, worker_process

TRANSCRIPT = "He was not an ill disposed young man."
REFERENCES_S = (5.0, 15.0)
TEXTS = {"clause": "客厅的灯已经打开了。", "answer": "今天下午多云，晚上会下雨，出门请带伞，最高气温二十四度。"}
# Size, steps per piece, with CUDA graphs.
RUNS = [("0.6b", 4, True), ("1.7b", 4, True), ("0.6b", 8, True), ("0.6b", 4, False)]
RATE_HZ = 24_000
GIVE_UP_S = 60


@dataclass
class Spoken:
    """One text: when its sound came, and how much of it."""

    first_s: float = 0.0
    total_s: float = 0.0
    audio_s: float = 0.0
    waits_s: float = 0.0
    """How long a player that starts with the first sound had nothing to play."""

    def hear(self, at_s: float, audio_s: float) -> None:
        self.first_s = self.first_s or at_s
        self.waits_s = max(self.waits_s, at_s - self.first_s - self.audio_s)
        self.audio_s += audio_s


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, default=Path("/tmp/gpu-qwen3"))
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--device", default="cuda")
    options.add_argument("--sizes", nargs="+", default=sorted({size for size, *_ in RUNS}))
    chosen = options.parse_args()
    report: dict[str, Any] = {
        "command": "PYTHON -m benchmarks.gpu_qwen3",
        "gpu": NvmlProbe().read()[0].name,
        "weights": "random, of the true architecture",
        "runs": [],
    }
    for number, (size, chunk_steps, graphs) in enumerate(RUNS):
        if size in chosen.sizes:
            folder = chosen.folder / str(number)
            run = asyncio.run(measure(folder, chosen, size=size, chunk_steps=chunk_steps, graphs=graphs))
            report["runs"].append(run)
            print(json.dumps(run), file=sys.stderr, flush=True)
    json.dump(report, sys.stdout, indent=1)


async def measure(
    folder: Path, chosen: argparse.Namespace, *, size: str, chunk_steps: int, graphs: bool
) -> dict[str, Any]:
    """Start a worker and speak with it."""
    settings = {
        "engine": "qwen3-tts", "weights": "random", "size": size, "chunk_steps": chunk_steps, "cuda_graphs": graphs,
        "device": chosen.device, "seed": 7, "start_timeout_s": 600,
    }  # fmt: skip
    async with worker_process(folder, "qwen3", settings, python=sys.executable, limit_s=300) as (worker, ready_s):
        found: dict[str, Any] = {
            "size": size, "chunk_steps": chunk_steps, "cuda_graphs": graphs, "ready_s": ready_s,
            "held_ready_mib": worker.held_mib(), "peak_start_mib": worker.peak_mib,
            "resident_mib": worker.resident_mib(), "texts": [],
        }  # fmt: skip
        for version, reference_s in enumerate(REFERENCES_S, 1):
            voice = write_profile(folder / "state", reference_s, version)
            first = await speak(worker, TEXTS["clause"], voice)
            for name, text in TEXTS.items():
                rounds = [await speak(worker, text, voice) for _ in range(chosen.rounds if graphs else 2)]
                found["texts"].append({"text": name, "reference_s": reference_s, **summary(rounds)})
            found[f"first_use_of_{reference_s:g}_s_recording_ms"] = round(first.first_s * 1000)
        found["held_used_mib"], found["peak_mib"] = worker.held_mib(), worker.peak_mib
        found["stop"] = await worker.stop()
    return found


def write_profile(state: Path, seconds: float, version: int) -> str:
    """Make the one profile, whose recording is noise that swells and falls as speech does; return its voice."""
    state.mkdir(parents=True, exist_ok=True)
    index = voice_index_path(state)
    reference = index.parent / "anna" / f"{seconds:g}.wav"
    reference.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    sound = np.random.default_rng(1).normal(0, 0.1, len(at)) * (0.6 + 0.4 * np.sin(at * 15))
    with wave.open(str(reference), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes((sound.clip(-1, 1) * 32767).astype("<i2").tobytes())
    transcript = " ".join([TRANSCRIPT] * round(seconds / REFERENCES_S[0]))
    write_voice_index(
        index,
        [
            ClonedVoice(
                id="anna", name="Anna", languages=("en", "zh-TW"), version=version, speed=1, tier="auto",
                purpose="answers", is_default=False, reference=reference, transcript=transcript,
                transcript_language="en",
            )
        ],
    )  # fmt: skip
    return f"clone:anna:{version}"


async def speak(worker: WorkerProcess, text: str, voice: str) -> Spoken:
    """Have a text spoken and listen to it."""
    spoken, began = Spoken(), time.perf_counter()
    async with asyncio.timeout(GIVE_UP_S), AsyncClient.from_uri(f"unix://{worker.socket}") as client:
        await client.write_event(Synthesize(text, SynthesizeVoice(name=voice)).event())
        while (event := await client.read_event()) is not None and not AudioStop.is_type(event.type):
            if Error.is_type(event.type):
                raise RuntimeError(Error.from_event(event).text)
            if AudioChunk.is_type(event.type):
                spoken.hear(time.perf_counter() - began, AudioChunk.from_event(event).seconds)
    spoken.total_s = time.perf_counter() - began
    return spoken


def summary(rounds: list[Spoken]) -> dict[str, Any]:
    """Return the figures of several rounds."""
    firsts = sorted(each.first_s * 1000 for each in rounds)
    return {
        "rounds": len(rounds),
        "first_sound_ms": {"median": round(median(firsts), 1), "worst": round(firsts[-1], 1)},
        "audio_s": round(median(each.audio_s for each in rounds), 2),
        "times_real_time": round(median(each.audio_s / each.total_s for each in rounds), 2),
        "waits_ms": round(max(each.waits_s for each in rounds) * 1000, 1),
    }


if __name__ == "__main__":
    main()
