"""A text-to-speech server of ours with one Piper worker, for the benchmarks beside this file."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avatar_appliance.bench.arm import RunningArm
from avatar_appliance.bench.machine import load_average
from avatar_appliance.bench.small_appliance import small_appliance
from avatar_appliance.bench.subject import Subject, choose_subject
from avatar_appliance.client import Endpoint
from avatar_appliance.config import Settings, load_settings


@dataclass(frozen=True, slots=True)
class TtsHouse:
    """What runs, and where."""

    settings: Settings
    subject: Subject
    """Piper only."""
    folder: Path
    """Where further servers may be started."""
    arm: RunningArm

    @property
    def tts(self) -> Endpoint:
        """Our text-to-speech server."""
        assert self.arm.tts is not None
        return self.arm.tts

    @property
    def runtime_dir(self) -> Path:
        """Where its sockets are."""
        return self.folder / "ours"

    def server_pid(self) -> int:
        """Return the process of the text-to-speech server."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    if "serve" in words and "tts" in words and any(str(self.runtime_dir) in word for word in words):
                        return int(entry.name)
        raise RuntimeError("the text-to-speech server is not there")


@contextlib.asynccontextmanager
async def tts_house() -> AsyncIterator[TtsHouse]:
    """Run it while the block runs."""
    settings = load_settings()
    subject = replace(choose_subject(settings), whisper=None)
    with tempfile.TemporaryDirectory(prefix="avatar-tts-") as name:
        folder = Path(name)
        async with small_appliance(settings, subject, folder, "ours") as arm:
            yield TtsHouse(settings, subject, folder, arm)


def spread(values: list[float]) -> dict[str, float]:
    """Return median, 95th percentile and maximum."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 1), "p95": round(p95, 1), "max": round(ordered[-1], 1)}


def report(what: str, command: str, figures: dict[str, Any]) -> str:
    """Return the result as JSON, with the machine it is from."""
    facts = {"cpus": len(os.sched_getaffinity(0)), "machine": platform.machine(), "load_average": load_average()}
    return json.dumps({"what": what, "command": command, "host": facts, **figures}, indent=2, ensure_ascii=False)
