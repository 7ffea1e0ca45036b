"""The vLLM worker as the process manager runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_fakes import fake_vllm

from avatar_appliance.processes import Children, ProcessFailed, ProcessSpec, ProcessState
from avatar_appliance.processes.restart_policy import EX_OUT_OF_MEMORY

START_S = 30.0
"""A loaded machine imports slowly."""


@contextlib.asynccontextmanager
async def children(runtime_dir: Path) -> AsyncIterator[Children]:
    async with Children(runtime_dir) as managed:
        yield managed


def spec(runtime_dir: Path, wish: dict[str, Any] | None = None) -> ProcessSpec:
    worker = {
        "engine": "vllm",
        "model": str(fake_vllm.model_folder(runtime_dir / "model")),
        "executable": str(fake_vllm.install(runtime_dir)),
    }
    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"))}
    config = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["llm"]},
        "workers": {**fakes, "llm": worker},
        "paths": {key: str(runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = runtime_dir / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    return ProcessSpec(
        name="llm",
        role="worker",
        argv=(sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "llm"),
        env=fake_vllm.script(**(wish or {})),
        start_timeout_s=START_S,
        restart=False,
    )


async def test_it_gets_ready_and_nothing_of_it_outlives_a_kill(runtime_dir: Path) -> None:
    async with children(runtime_dir) as managed:
        await managed.start(spec(runtime_dir))
        await managed.wait_ready(["llm"], START_S)
        group = managed.pids("llm")
        assert len(group) == 2  # ours and vLLM's
        pid = managed.statuses()["llm"].pid
        assert pid is not None
        watched = [os.pidfd_open(other) for other in group if other != pid]
        with managed.changes() as changes:
            os.kill(pid, signal.SIGKILL)
            for descriptor in watched:
                await ended(descriptor)
            async with asyncio.timeout(START_S):
                while (await anext(changes)).state is not ProcessState.FAILED:
                    pass


async def ended(descriptor: int) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, over.set)
    try:
        async with asyncio.timeout(10):
            await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def test_running_out_of_gpu_memory_has_an_exit_code_of_its_own(runtime_dir: Path) -> None:
    async with children(runtime_dir) as managed:
        await managed.start(spec(runtime_dir, {"fail": "oom"}))
        with pytest.raises(ProcessFailed):
            await managed.wait_ready(["llm"], START_S)
        status = managed.statuses()["llm"]
        assert (status.state, status.last_exit) == (ProcessState.FAILED, EX_OUT_OF_MEMORY)
        assert "loading weights" in status.last_error
