"""Hold the GPU probe against `nvidia-smi`, with a hog that comes and goes: needs an NVIDIA GPU, and torch for the hog.

    python3 -m benchmarks.gpu_probe [--hog-gib 10] > benchmarks/results/gpu-probe.json

Exits with 1 where the two disagree.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from avatar_appliance.coordinator.device import DeviceReading
from avatar_appliance.coordinator.probes import NvmlProbe

MIB = 2**20
GIB = 2**30
READINGS = 500
CLOSE_BYTES = 64 * MIB
"""Two looks a moment apart may differ by what a driver moves meanwhile."""
HOG = """
import sys, torch
memory = torch.empty({size}, dtype=torch.uint8, device="cuda:{number}").fill_(1)
torch.cuda.synchronize()
print(flush=True)
sys.stdin.read()
"""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hog-gib", type=float, default=10.0)
    hog_bytes = int(options.parse_args().hog_gib * GIB)
    began = time.perf_counter()
    probe = NvmlProbe()
    report: dict[str, Any] = {"init_ms": ms(time.perf_counter() - began), "notes": list(probe.notes()), "gpus": {}}
    for number, reading in enumerate(probe.read()):
        report["gpus"][reading.device] = examine(probe, number, reading, hog_bytes)
    report["reading_ms"] = timed(probe.read)
    pids = {process.pid for reading in probe.read() for process in reading.processes or ()}
    report["made_a_cuda_context"] = os.getpid() in pids
    agreed = all(all(gpu["agrees"].values()) for gpu in report["gpus"].values())
    report["agrees"] = bool(report["gpus"]) and agreed and not report["made_a_cuda_context"]
    json.dump(report, sys.stdout, indent=2)
    print()
    return 0 if report["agrees"] else 1


def examine(probe: NvmlProbe, number: int, before: DeviceReading, hog_bytes: int) -> dict[str, Any]:
    smi = nvidia_smi(before.uuid)
    program = [sys.executable, "-c", HOG.format(size=hog_bytes, number=number)]
    environment = {**os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as hog:
        assert hog.stdout is not None
        hog.stdout.readline()
        during, smi_during = read(probe, before.device), nvidia_smi(before.uuid)
        held = {process.pid: process.used_bytes for process in during.processes or ()}
        hog.kill()
        hog.wait()
    gone_at, used = time.perf_counter(), read(probe, before.device).used_bytes
    while used > before.used_bytes + CLOSE_BYTES and time.perf_counter() < gone_at + 10:
        used = read(probe, before.device).used_bytes
    return {
        "name": before.name,
        "total_mib": before.total_bytes // MIB,
        "reserved_mib": before.reserved_bytes // MIB,
        "temperature_c": before.temperature_c,
        "used_mib": {"before": before.used_bytes // MIB, "hog": during.used_bytes // MIB, "after": used // MIB},
        "nvidia_smi_used_mib": {"before": smi["memory.used"], "hog": smi_during["memory.used"]},
        "hog_mib_in_the_list": (held.get(hog.pid) or 0) // MIB,
        "processes_visible": during.processes is not None,
        "back_after_ms": ms(time.perf_counter() - gone_at),
        "agrees": {
            "name": smi["name"] == before.name,
            "total": smi["memory.total"] == before.total_bytes // MIB,
            "reserved": abs(smi["memory.reserved"] - before.reserved_bytes // MIB) <= 1,
            "used": near(smi["memory.used"], before.used_bytes),
            "used_with_hog": near(smi_during["memory.used"], during.used_bytes),
            "temperature": abs(smi["temperature.gpu"] - (before.temperature_c or 0)) <= 3,
            "hog_seen": during.used_bytes - before.used_bytes >= hog_bytes,
            "hog_listed": during.processes is None or (held.get(hog.pid) or 0) >= hog_bytes,
            "memory_back": used <= before.used_bytes + CLOSE_BYTES,
        },
    }


def read(probe: NvmlProbe, device: str) -> DeviceReading:
    return next(reading for reading in probe.read() if reading.device == device)


def nvidia_smi(uuid: str) -> dict[str, Any]:
    fields = ["name", "memory.total", "memory.reserved", "memory.used", "temperature.gpu"]
    done = subprocess.run(
        ["nvidia-smi", f"--id={uuid}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    name, *numbers = done.stdout.strip().split(", ")
    return dict(zip(fields, [name, *map(int, numbers)], strict=True))


def near(smi_mib: int, size_bytes: int) -> bool:
    return abs(smi_mib * MIB - size_bytes) <= CLOSE_BYTES


def timed(function: Callable[[], Any]) -> dict[str, float]:
    taken = []
    for _ in range(READINGS):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return {"median": ms(median(taken)), "p99": ms(quantiles(taken, n=100)[-1]), "max": ms(max(taken))}


def ms(seconds: float) -> float:
    return round(1000 * seconds, 3)


if __name__ == "__main__":
    sys.exit(main())
