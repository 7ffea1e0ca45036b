"""One worker of ours as its own process on a GPU, for benchmarks: how long it takes to be ready, and what it holds."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from avatar_appliance.coordinator.probes import NvmlProbe

MIB = 2**20
ROOT = Path(__file__).parents[1]
_STEP_S = 0.02


class WorkerProcess:
    """A running worker; `peak_mib` is the most that was seen of it, looking every 20 ms."""

    def __init__(self, process: asyncio.subprocess.Process, socket: Path, probe: NvmlProbe) -> None:
        self.socket = socket
        self.peak_mib = 0
        self._process = process
        self._probe = probe
        self._before_mib = self.card_mib()

    def card_mib(self) -> int:
        """What everybody holds of the first GPU."""
        return self._probe.read()[0].used_bytes // MIB

    def held_mib(self) -> int:
        """What the worker holds of it."""
        held = {each.pid: each.used_bytes for each in self._probe.read()[0].processes or ()}
        return (held.get(self._process.pid) or 0) // MIB

    def resident_mib(self) -> int:
        """What it holds of the RAM."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

    async def watch(self) -> None:
        """Keep `peak_mib` up to date, until cancelled."""
        while True:
            self.peak_mib = max(self.peak_mib, self.held_mib())
            await asyncio.sleep(_STEP_S)

    async def ready(self, limit_s: float) -> None:
        """Return when it serves; raises RuntimeError when it ends before."""
        async with asyncio.timeout(limit_s):
            while not self.socket.exists():
                if self._process.returncode is not None:
                    raise RuntimeError(f"the worker ended with {self._process.returncode}")
                await asyncio.sleep(_STEP_S)

    async def stop(self) -> dict[str, float]:
        """End it as the coordinator does; return how long that took and what the card has back."""
        held_mib, card_mib, began = self.held_mib(), self.card_mib(), time.perf_counter()
        self._process.terminate()
        await self._process.wait()
        return {
            "held_mib": held_mib,
            "given_back_mib": card_mib - self.card_mib(),
            "after_s": round(time.perf_counter() - began, 2),
        }


@asynccontextmanager
async def worker_process(
    folder: Path, name: str, worker: Mapping[str, Any], *, python: str, limit_s: float = 300
) -> AsyncIterator[tuple[WorkerProcess, float]]:
    """Run the worker `name` of these settings by `python`; yield it with the seconds until it was ready.

    Its state is in `folder`/state, its log in `folder`/NAME.log.
    """
    file = _write_config(folder, name, worker)
    socket = folder / "runtime" / f"worker-{name}.sock"
    began = time.perf_counter()
    with (folder / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            python, "-m", "wyoming_servers", "--config", str(file), "worker", name, cwd=ROOT, stdout=log, stderr=log,
            env={**os.environ, "PYTORCH_ALLOC_CONF": "expandable_segments:True", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        )  # fmt: skip
    running = WorkerProcess(process, socket, NvmlProbe())
    watching = asyncio.create_task(running.watch())
    try:
        await running.ready(limit_s)
        yield running, round(time.perf_counter() - began, 2)
    finally:
        watching.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()


def _write_config(folder: Path, name: str, worker: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    fakes = {role: {"engine": "fake", "fake_role": role} for role in ("asr", "tts", "llm")}
    config = {
        "workers": {**fakes, name: dict(worker)},
        "asr": {"workers": ["asr"]},
        "tts": {"workers": ["tts"]},
        "conversation": {"workers": ["llm"]},
        "paths": {key: str(folder / key.removesuffix("_dir")) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return file
