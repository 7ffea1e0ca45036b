"""The coordinator with real engines on a real GPU under an artificial limit, while turns run.

    python3 -m benchmarks.gpu_coordinator --vllm PROGRAM [--limit-gib 24] > benchmarks/results/gpu-coordinator.json

vLLM (Qwen3-8B-AWQ), Whisper large-v3-turbo and F5-TTS have random weights of the true architecture: memory and times
are real, what they say is noise. A ballast holds what the card has beyond the limit. Below each of them stands a
scripted rung on the CPU: its turns count as degraded. Five sessions talk all the time; meanwhile a hog comes and goes,
workers are put to sleep, woken, stopped, started, evicted and killed. Needs torch for ballast and hog.

FOLDER/whisper and FOLDER/qwen3-8b are made by `python3 -m benchmarks.random_models`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import yaml

from avatar_appliance.client import Endpoint, WavAudio, converse, synthesize, transcribe
from avatar_appliance.client.wav import read_wav
from avatar_appliance.coordinator.probes import NvmlProbe
from avatar_appliance.errors import AvatarError

ROOT = Path(__file__).parents[1]
GIB, MIB = 2**30, 2**20
CEILING = 0.90
TOKEN = "avatar_gpu-benchmark-token"
PORTS = {"asr": 18300, "tts": 18200, "conversation": 18500, "admin": 18756}
SESSIONS = 5
TEXT = "The kitchen light is on, and the heating is at twenty one degrees."
HOLD = """
import sys, torch
memory = [torch.empty(size, dtype=torch.uint8, device="cuda:0").fill_(1) for size in map(int, sys.argv[1:])]
torch.cuda.synchronize()
print(flush=True)
sys.stdin.read()
"""


@dataclass
class Turns:
    """What the sessions saw."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=lambda: {"asr": [], "llm": [], "tts": []})
    by_phase: Counter[str] = field(default_factory=Counter)
    phase: str = "start"


class Bench:
    """One run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder = Path(options.folder)
        self.turns = Turns()
        self.probe = NvmlProbe()
        self.steps: list[dict[str, Any]] = []
        self.timeline: list[dict[str, Any]] = []
        self.began_s = time.monotonic()
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{PORTS['admin']}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )

    def used_mib(self) -> int:
        return self.probe.read()[0].used_bytes // MIB

    def smi_mib(self) -> int:
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])

    def config(self, ballast_bytes: int) -> Path:
        card = self.probe.read()[0]
        headroom = 256 * MIB
        # The budget that a card of the limit would have, beside a ballast that counts as foreign.
        ceiling = (ballast_bytes + CEILING * self.options.limit_gib * GIB) / card.usable_bytes
        voice = {
            "name": "bench", "language": "en", "reference_audio": str(ROOT / "tests/data/speech/en_librivox_0880.wav"),
            "reference_text": "He was not an ill disposed young man.",
        }  # fmt: skip
        fake = {"engine": "fake", "preload": True}
        config = {
            "host": "127.0.0.1",
            "paths": {name: str(self.folder / name) for name in ("state_dir", "cache_dir", "runtime_dir")},
            "discovery": {"enabled": False},
            "admin": {"port": PORTS["admin"], "token": TOKEN},
            "store": {"audio": False},
            "asr": {"port": PORTS["asr"], "workers": ["whisper", "asr-cpu"], "gate": False},
            "tts": {"port": PORTS["tts"], "workers": ["f5", "tts-cpu"]},
            "conversation": {
                "port": PORTS["conversation"],
                "openai_port": None,
                "workers": ["llm", "llm-cpu"],
                "max_answer_tokens": 40,
            },
            "coordinator": {
                "gpu_ceiling": round(ceiling, 4), "headroom": headroom, "min_residency_s": 5, "after_shed_s": 5,
                "guest_mode": {"share": 1.0, "linger_s": 2},
            },
            "workers": {
                "whisper": {
                    "engine": "faster-whisper", "model": str(self.folder / "whisper"), "device": "cuda",
                    "compute_type": "float16",
                },
                "f5": {"engine": "f5-tts", "weights": "random", "voices": [voice], "device": "cuda", "nfe_steps": 7},
                "llm": {
                    "engine": "vllm", "model": str(self.folder / "qwen3-8b"), "load_format": "dummy",
                    "kv_cache": "3GiB", "executable": self.options.vllm, "dtype": "float16",
                    "memory": "9.7GiB", "peak_memory": "11GiB", "tool_call_parser": None,
                    "extra_args": self.options.vllm_arg,
                },
                "asr-cpu": {**fake, "fake_role": "asr"},
                "tts-cpu": {**fake, "fake_role": "tts"},
                "llm-cpu": {**fake, "fake_role": "llm", "answer": "fine"},
            },
        }  # fmt: skip
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    async def vram(self) -> dict[str, Any]:
        return dict((await self.http.get("/api/vram")).raise_for_status().json())

    async def workers(self) -> dict[str, dict[str, Any]]:
        return {worker["name"]: worker for worker in (await self.vram())["workers"]}

    async def command(self, worker: str, verb: str, **query: Any) -> None:
        answer = await self.http.post(f"/api/workers/{worker}/{verb}", params=query)
        if answer.is_error:
            self.step(f"{verb} {worker} refused", text=answer.json().get("detail", ""))

    async def until(self, what: str, condition: Callable[[dict[str, dict[str, Any]]], bool], limit_s: float) -> float:
        """Wait for a state of the workers; return after how many seconds it was there, or -1."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < limit_s:
            with contextlib.suppress(httpx.HTTPError):
                if condition(await self.workers()):
                    return round(time.monotonic() - began_s, 2)
            await asyncio.sleep(0.1)
        self.step(f"NOT SEEN within {limit_s:g} s: {what}")
        return -1.0

    async def reaches(self, worker: str, state: str, limit_s: float) -> float:
        return await self.until(f"{worker} {state}", lambda found: found[worker]["state"] == state, limit_s)

    def step(self, name: str, **facts: Any) -> None:
        entry = {"at_s": round(time.monotonic() - self.began_s, 1), "step": name, **facts}
        self.steps.append(entry)
        print(json.dumps(entry), file=sys.stderr, flush=True)

    async def session(self, audio: WavAudio, stop: asyncio.Event) -> None:
        """Talk until told to stop; what goes wrong is noted, never hidden."""
        stages: dict[str, Callable[[], Awaitable[Any]]] = {
            "asr": lambda: transcribe(endpoint("asr"), audio, language="en"),
            "llm": lambda: converse(endpoint("conversation"), "Is the kitchen light on?", language="en"),
            "tts": lambda: synthesize(endpoint("tts"), TEXT, language="en"),
        }
        while not stop.is_set():
            phase = self.turns.phase
            try:
                for name, run in stages.items():
                    began_s = time.monotonic()
                    outcome = await run()
                    if name == "llm" and not outcome.handled:
                        raise AvatarError(f"not handled: {outcome.text[:80]}")
                    self.turns.stages_ms[name].append((time.monotonic() - began_s) * 1000)
                self.turns.done += 1
                self.turns.by_phase[phase] += 1
            except AvatarError as error:
                self.turns.failed.append(f"{phase}: {name}: {error.code}: {error.text[:120]}")
            await asyncio.sleep(0.3)

    async def watch(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError, KeyError):
                state = await self.vram()
                card = next(device for device in state["devices"] if device["device"] == "cuda:0")
                self.timeline.append(
                    {
                        "at_s": round(time.monotonic() - self.began_s, 1),
                        "used_mib": self.used_mib(),
                        "budget_mib": card["budget_bytes"] // MIB,
                        "foreign_mib": card["foreign_bytes"] // MIB,
                        "charges_mib": {name: size // MIB for name, size in card["charges"].items()},
                        "states": {w["name"]: w["state"] for w in state["workers"] if "-cpu" not in w["name"]},
                    }
                )
            await asyncio.sleep(1.0)

    async def run(self) -> dict[str, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        total = self.probe.read()[0].usable_bytes
        ballast_bytes = max(0, total - self.options.limit_gib * GIB)
        with contextlib.ExitStack() as stack:
            if ballast_bytes > GIB:
                before = self.used_mib()
                stack.enter_context(hold(ballast_bytes - 600 * MIB))
                ballast_bytes = (self.used_mib() - before) * MIB
            self.step("ballast", mib=ballast_bytes // MIB, probe_mib=self.used_mib(), nvidia_smi_mib=self.smi_mib())
            config = self.config(ballast_bytes)
            log = stack.enter_context((self.folder / "up.log").open("wb"))
            stack.callback(end, start(config, log.fileno()))
            async with self.watching():
                try:
                    async with asyncio.timeout(self.options.time_limit_s):
                        await self.scenario()
                except TimeoutError:
                    self.step("TIME LIMIT: the rest was not run")
            return self.report()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def scenario(self) -> None:
        turns = self.turns
        start_limit_s = self.options.start_limit_s
        for worker in ("whisper", "f5", "llm"):
            seconds = await self.reaches(worker, "ready", start_limit_s)
            memory = (await self.workers())[worker]["memory"]
            self.step(f"{worker} ready", after_s=seconds, **{k: (memory[k] or 0) // MIB for k in MEMORY})
        audio = read_wav(ROOT / "tests/data/speech/en_cards_005.wav")
        stop = asyncio.Event()
        sessions = [asyncio.create_task(self.session(audio, stop)) for _ in range(SESSIONS)]
        try:
            turns.phase = "five sessions"
            await asyncio.sleep(20)
            turns.phase = "a hog of 10 GiB"
            with hold(10 * GIB):
                self.step("hog is there", used_mib=self.used_mib())
                await asyncio.sleep(25)
                self.step("with the hog", **await self.states())
            self.step("hog is gone", used_mib=self.used_mib())
            back = await self.until("all ready", all_ready, start_limit_s)
            self.step("all ready again", after_s=back)
            turns.phase = "guest mode"
            await self.http.post("/api/guest-mode", json={"mode": "on"})
            cleared = await self.until("GPU cleared", nobody_on_the_gpu, 60)
            self.step("guest mode on", cleared_after_s=cleared, used_mib=self.used_mib(), **await self.states())
            await asyncio.sleep(5)
            await self.http.post("/api/guest-mode", json={"mode": "auto"})
            back = await self.until("all ready", all_ready, start_limit_s)
            self.step("guest mode off", all_ready_after_s=back)
            turns.phase = "whisper killed with -9"
            pid = next(p["pid"] for p in (await self.http.get("/api/system/info")).json()["processes"]
                       if p["name"] == "whisper")  # fmt: skip
            os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(1)
            self.step("whisper killed", back_after_s=await self.reaches("whisper", "ready", 120))
            turns.phase = "five sessions again"
            await asyncio.sleep(10)
        finally:
            stop.set()
            await asyncio.gather(*sessions, return_exceptions=True)
        await self.memory_comes_back()

    async def memory_comes_back(self) -> None:
        """Without turns: sleep, wake and stop each worker, and see what the card says."""
        self.turns.phase = "idle"
        before = self.used_mib()
        await self.command("llm", "sleep")
        slept = await self.reaches("llm", "sleeping", 60)
        self.step("llm sleeps", after_s=slept, given_back_mib=before - self.used_mib())
        asleep = self.used_mib()
        await self.command("llm", "wake")
        self.step("llm woke", after_s=await self.reaches("llm", "ready", 60), taken_mib=self.used_mib() - asleep)
        for worker in ("f5", "whisper", "llm"):
            held = (await self.workers())[worker]["memory"]["seen_bytes"] or 0
            before = self.used_mib()
            await self.command(worker, "stop")
            stopped = await self.reaches(worker, "stopped", 60)
            back = before - self.used_mib()
            self.step(f"{worker} stopped", after_s=stopped, held_mib=held // MIB, given_back_mib=back)
        self.step("all stopped", probe_mib=self.used_mib(), nvidia_smi_mib=self.smi_mib())
        began_s = time.monotonic()
        await self.command("f5", "start")
        self.step("f5 started again", after_s=await self.reaches("f5", "ready", 120),
                  wall_s=round(time.monotonic() - began_s, 1))  # fmt: skip

    async def states(self) -> dict[str, Any]:
        return {name: worker["state"] for name, worker in (await self.workers()).items() if "-cpu" not in name}

    def report(self) -> dict[str, Any]:
        stages = {
            name: {"median": round(median(times)), "p95": round(sorted(times)[int(len(times) * 0.95)]), "n": len(times)}
            for name, times in self.turns.stages_ms.items()
            if times
        }
        card = self.probe.read()[0]
        over = [t for t in self.timeline if t["foreign_mib"] + sum(t["charges_mib"].values()) > t["budget_mib"]]
        return {
            "command": "python3 -m benchmarks.gpu_coordinator " + " ".join(sys.argv[1:]),
            "gpu": card.name,
            "limit_gib": self.options.limit_gib,
            "weights": "random, of the true architecture",
            "turns": {
                "done": self.turns.done,
                "failed": self.turns.failed,
                "by_phase": dict(self.turns.by_phase),
                "stage_ms": stages,
            },
            "seconds_over_budget": len(over),
            "steps": self.steps,
            "timeline": self.timeline,
        }


MEMORY = ("rest_bytes", "peak_bytes", "seen_bytes")


def all_ready(found: dict[str, dict[str, Any]]) -> bool:
    return all(found[name]["state"] == "ready" for name in ("whisper", "f5", "llm"))


def nobody_on_the_gpu(found: dict[str, dict[str, Any]]) -> bool:
    return all(found[name]["state"] in ("stopped", "sleeping") for name in ("whisper", "f5", "llm"))


def endpoint(role: str) -> Endpoint:
    return Endpoint("127.0.0.1", PORTS[role])


@contextlib.contextmanager
def hold(size_bytes: int) -> Iterator[None]:
    """Somebody else's process with so much of the card."""
    sizes = [str(min(size_bytes - start, 8 * GIB)) for start in range(0, size_bytes, 8 * GIB)]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, *sizes], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def start(config: Path, log: int) -> subprocess.Popen[bytes]:
    """Start the appliance."""
    command = [sys.executable, "-m", "avatar_appliance", "up", "--config", str(config), "--no-fetch"]
    return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(60)
    process.kill()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--vllm", required=True, help="the vllm program")
    options.add_argument("--vllm-arg", action="append", default=[], help="a further argument of `vllm serve`")
    options.add_argument("--folder", default="/tmp/gpu-coordinator", help="with whisper/ and qwen3-8b/ in it")
    options.add_argument("--limit-gib", type=int, default=24)
    options.add_argument("--time-limit-s", type=float, default=1800)
    options.add_argument("--start-limit-s", type=float, default=240)
    json.dump(asyncio.run(Bench(options.parse_args()).run()), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
