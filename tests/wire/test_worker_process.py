"""Worker processes as the control plane starts them: ready when they listen, gone when they are told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml
from wire_harness.clients import ask, connect, utterance
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize

from avatar_appliance.processes.restart_policy import EX_OUT_OF_MEMORY

ROOT = Path(__file__).parents[2]
START_S = 30.0
"""A loaded machine imports slowly."""


@contextlib.asynccontextmanager
async def process(runtime_dir: Path, **worker: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the fake worker `w`, in a house of its own."""
    workers: dict[str, Any] = {
        name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))
    }
    workers["w"] = {"engine": "fake", **worker}
    config = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["l"]},
        "workers": workers,
        "limits": {"drain_s": 0.2},
        "paths": {key: str(runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = runtime_dir / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "w",
        cwd=ROOT, env={k: v for k, v in os.environ.items() if not k.startswith("AVATAR_")},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.communicate()


async def ended(running: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(5):
        return await running.wait()


async def test_a_worker_listens_once_it_is_loaded_and_ends_on_sigterm(runtime_dir: Path) -> None:
    socket = runtime_dir / "worker-w.sock"
    async with process(runtime_dir, fake_role="tts") as running:
        await until(socket.exists, START_S)
        info = Info.from_event((await ask(f"unix://{socket}", Describe(), until=["info"]))[-1])
        assert info.tts[0].name == "fake-tts"
        running.terminate()
        assert await ended(running) == 0
        assert not socket.exists()


async def test_sigterm_under_an_uninterruptible_call_ends_the_process_all_the_same(runtime_dir: Path) -> None:
    socket = runtime_dir / "worker-w.sock"
    async with process(runtime_dir, fake_role="asr", latency_s=300, uninterruptible=True) as running:
        await until(socket.exists, START_S)
        async with connect(f"unix://{socket}") as client:
            await client.send(*utterance(bytes(640)), Event("ping"))
            assert (await client.receive()).type == "pong"
            running.terminate()
            assert await client.error_code() == "shutting-down"
        assert await ended(running) == 0


async def test_sigterm_in_the_middle_of_a_load_ends_the_process_at_once(runtime_dir: Path) -> None:
    async with process(runtime_dir, fake_role="asr", load_s=300) as running:
        await until(lambda: _catches_sigterm(running.pid), START_S)
        running.terminate()
        assert await ended(running) == 0
        assert not (runtime_dir / "worker-w.sock").exists()


def _catches_sigterm(pid: int) -> bool:
    """Whether the process handles SIGTERM by now: it does so right before it loads."""
    caught = re.search(r"^SigCgt:\t([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) & 1 << (signal.SIGTERM - 1))


async def test_the_scripted_exit_ends_the_process_in_the_middle_of_a_request(runtime_dir: Path) -> None:
    socket = runtime_dir / "worker-w.sock"
    async with process(runtime_dir, fake_role="tts", fault="exit", fault_after=1) as running:
        await until(socket.exists, START_S)
        assert (await ask(f"unix://{socket}", Synthesize("one"), until=["audio-stop"]))[-1].type == "audio-stop"
        async with connect(f"unix://{socket}") as client:
            await client.send(Synthesize("two"))
            assert await client.ended()
        assert await ended(running) == 70


async def test_an_unknown_worker_is_a_configuration_error(runtime_dir: Path) -> None:
    async with process(runtime_dir, fake_role="asr"):
        pass
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(runtime_dir / "config.yaml"), "worker", "nobody",
        cwd=ROOT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, error = await running.communicate()
    assert running.returncode == os.EX_CONFIG
    assert b"nobody" in error
    assert b"Traceback" not in error


async def test_a_worker_that_does_not_fit_says_so_by_its_exit_code(runtime_dir: Path) -> None:
    """The coordinator makes room and tries once more; after other failures that would be useless."""
    async with process(runtime_dir, fake_role="asr", oom_at_start=True) as running:
        assert running.stderr is not None
        said = await running.stderr.read()
        assert await ended(running) == EX_OUT_OF_MEMORY
        assert b"out of memory" in said
        assert b"Traceback" not in said


async def test_a_device_assignment_that_is_none_is_a_configuration_error(runtime_dir: Path) -> None:
    (runtime_dir / "assignment-w.json").write_text('{"device": "abacus"}')
    async with process(runtime_dir, fake_role="asr") as running:
        assert running.stderr is not None
        assert b"assignment-w.json" in await running.stderr.read()
        assert await ended(running) == os.EX_CONFIG
