"""The Whisper worker on a GPU, the shape of large-v3-turbo with random weights: memory and times are real, words noise.

    python3 -m benchmarks.random_models whisper MODEL
    python3 -m benchmarks.gpu_whisper MODEL > benchmarks/results/gpu-whisper.json

Needs faster-whisper, CTranslate2 and its cuBLAS where the dynamic linker finds it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error

from avatar_appliance.coordinator.probes import NvmlProbe

from .worker_process import worker_process

RATE_HZ = 16_000
CHUNK_BYTES = 2 * RATE_HZ // 10
SPEECH_S = (3, 12, 29)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path)
    options.add_argument("--folder", type=Path, default=Path("/tmp/gpu-whisper"))
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--formats", nargs="+", default=["float16", "int8_float16"])
    options.add_argument("--device", default="cuda")
    chosen = options.parse_args()
    report: dict[str, Any] = {
        "command": "python3 -m benchmarks.gpu_whisper MODEL",
        "gpu": next((reading.name for reading in NvmlProbe().read()), "none"),
        "weights": "random, of the true architecture (large-v3-turbo)",
        "runs": [],
    }
    for number_format in chosen.formats:
        report["runs"].append(asyncio.run(measure(chosen, number_format)))
        print(json.dumps(report["runs"][-1]), file=sys.stderr, flush=True)
    json.dump(report, sys.stdout, indent=1)
    print()


async def measure(options: argparse.Namespace, number_format: str) -> dict[str, Any]:
    """Start the worker and have it listen to a few lengths of noise."""
    worker = {
        "engine": "faster-whisper", "model": str(options.model), "device": options.device,
        "compute_type": number_format,
    }  # fmt: skip
    found: dict[str, Any] = {"compute_type": number_format}
    async with worker_process(options.folder / number_format, "whisper", worker, python=sys.executable) as (
        running,
        ready_s,
    ):
        found |= {"ready_after_s": ready_s, "ready_mib": running.held_mib(), "start_peak_mib": running.peak_mib}
        async with AsyncClient.from_uri(f"unix://{running.socket}") as client:
            for seconds in SPEECH_S:
                times = [await listen(client, seconds) for _ in range(options.rounds)]
                found[f"{seconds} s"] = {"median_ms": round(median(times)), "held_mib": running.held_mib()}
        found |= {"used_mib": running.held_mib(), "peak_mib": running.peak_mib}
        found["stopped"] = await running.stop()
    return found


async def listen(client: AsyncClient, seconds: int) -> float:
    """Send so much noise; return the milliseconds from its end to the transcript."""
    sound = np.random.default_rng(seconds).normal(0, 3000, seconds * RATE_HZ).astype("<i2").tobytes()
    audio = {"rate": RATE_HZ, "width": 2, "channels": 1}
    await client.write_event(Transcribe(language="en").event())
    await client.write_event(AudioStart(**audio).event())
    for start in range(0, len(sound), CHUNK_BYTES):
        await client.write_event(AudioChunk(audio=sound[start : start + CHUNK_BYTES], **audio).event())
    began = time.perf_counter()
    await client.write_event(AudioStop().event())
    while (event := await client.read_event()) is not None:
        if Error.is_type(event.type):
            raise RuntimeError(Error.from_event(event).text)
        if Transcript.is_type(event.type):
            return (time.perf_counter() - began) * 1000
    raise RuntimeError("the worker hung up")


if __name__ == "__main__":
    main()
