"""Scripted workers as real processes: what they hold is there until they end, however they do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar_appliance.coordinator.device import DeviceReading
from avatar_appliance.coordinator.probes import SimulatedGpuProbe
from avatar_appliance.processes import ProcessSpec
from avatar_appliance.processes.assignment import DeviceAssignment, write_assignment
from avatar_appliance.processes.children import Children
from avatar_appliance.processes.process_memory import process_ram
from avatar_appliance.processes.restart_policy import EX_OUT_OF_MEMORY
from avatar_appliance.processes.simulated_gpu import FOLDER_VARIABLE

ROOT = Path(__file__).parents[4]
DEADLINE_S = 30.0
"""A loaded machine imports slowly; a passing test never waits this long."""
GIB = 2**30
MIB = 2**20
ROLES = pytest.mark.parametrize("role", ["asr", "llm"])  # speech workers share all but their engine


class Box:
    """A house with one worker, `w`, and a simulated GPU of 24 GiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.probe = SimulatedGpuProbe(24 * GIB, folder / "gpu")
        self._notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notifications.bind(str(folder / "notify"))
        self._notifications.setblocking(False)

    def close(self) -> None:
        self._notifications.close()

    @property
    def gpu(self) -> DeviceReading:
        [reading] = self.probe.read()
        return reading

    def command(self, **worker: Any) -> list[str]:
        """Write the configuration, and return how to start the worker."""
        fakes: dict[str, Any] = {role: {"engine": "fake", "fake_role": role} for role in ("asr", "tts", "llm")}
        config = {
            "asr": {"workers": ["asr"]},
            "tts": {"workers": ["tts"]},
            "conversation": {"workers": ["llm"]},
            "workers": {**fakes, "w": {"engine": "fake", **worker}},
            "limits": {"drain_s": 0.2},
            "paths": {key: str(self.folder) for key in ("state_dir", "cache_dir", "runtime_dir")},
        }
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        return [sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "w"]

    @property
    def environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")}
        return {**inherited, FOLDER_VARIABLE: str(self.folder / "gpu"), "NOTIFY_SOCKET": str(self.folder / "notify")}

    @contextlib.asynccontextmanager
    async def worker(self, role: str, device: str | None = "cuda:0", **worker: Any) -> AsyncIterator[Any]:
        """Run the worker on a device in a process group of its own, which is ended afterwards."""
        if device is not None:
            write_assignment(self.folder, "w", DeviceAssignment(device))
        # No pipe: a child that is left behind would keep it open, and asyncio waits for that.
        with (self.folder / "stderr").open("w") as stderr:
            running = await asyncio.create_subprocess_exec(
                *self.command(fake_role=role, **worker),
                cwd=ROOT, env=self.environment, start_new_session=True, stderr=stderr,
            )  # fmt: skip
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            await running.wait()

    @property
    def said(self) -> str:
        """What the worker wrote to stderr."""
        return (self.folder / "stderr").read_text()

    async def ready(self) -> None:
        """Wait until the worker says that it is ready."""
        async with asyncio.timeout(DEADLINE_S):
            while b"READY=1" not in await asyncio.get_running_loop().sock_recv(self._notifications, 4096):
                pass

    async def sees(self, used_bytes: int) -> None:
        """Wait until so much of the GPU is used."""
        await until(lambda: self.gpu.used_bytes == used_bytes)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def box() -> Iterator[Box]:
    folder = Path(tempfile.mkdtemp(prefix="avatar-"))  # pytest's own is too long for a unix socket
    box = Box(folder)
    yield box
    box.close()
    shutil.rmtree(folder)


async def end_of(running: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(DEADLINE_S):
        return await running.wait()


def ignores_sigterm(pid: int) -> bool:
    ignored = re.search(r"^SigIgn:\t([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return ignored is not None and bool(int(ignored[1], 16) & 1 << (signal.SIGTERM - 1))


@ROLES
async def test_a_worker_on_the_gpu_holds_its_memory_there_until_it_ends(box: Box, role: str) -> None:
    async with box.worker(role, memory="7GiB") as running:
        await box.ready()
        [process] = box.gpu.processes or ()
        assert (process.pid, process.used_bytes) == (running.pid, 7 * GIB)
        running.terminate()
        await end_of(running)
        assert box.gpu.used_bytes == 0


async def test_a_worker_can_really_take_ram(box: Box) -> None:
    async with box.worker("asr", "cpu", memory="300MiB", peak_memory="400MiB", allocate=True) as running:
        await box.ready()
        ram = process_ram(running.pid)
        assert ram is not None
        assert ram.rss_bytes == pytest.approx(300 * MIB, rel=0.1)
        assert ram.own_bytes > 200 * MIB
        assert box.gpu.used_bytes == 0


@ROLES
async def test_a_start_that_runs_out_of_memory_ends_with_its_own_exit_code(box: Box, role: str) -> None:
    async with box.worker(role, memory="1GiB", oom_at_start=True) as running:
        assert await end_of(running) == EX_OUT_OF_MEMORY == 101
        assert re.search(r"\bw\b.*out of memory.*scripted", box.said)
        assert "Traceback" not in box.said
        assert box.gpu.used_bytes == 0


@ROLES
async def test_a_start_can_hang_with_its_memory_taken_and_be_ended_all_the_same(box: Box, role: str) -> None:
    async with box.worker(role, memory="1GiB", peak_memory="2GiB", hang_at_start=True) as running:
        await box.sees(2 * GIB)
        assert running.returncode is None
        running.terminate()
        await end_of(running)
        assert box.gpu.used_bytes == 0
        assert not (box.folder / "worker-w.sock").exists()


@ROLES
async def test_a_worker_can_ignore_sigterm(box: Box, role: str) -> None:
    async with box.worker(role, memory="1GiB", ignore_sigterm=True) as running:
        await box.ready()
        assert ignores_sigterm(running.pid)
        running.terminate()
        async with asyncio.timeout(DEADLINE_S):
            reader, writer = await asyncio.open_unix_connection(box.folder / "worker-w.sock")
            writer.write(b"GET /v1/models HTTP/1.0\r\n\r\n" if role == "llm" else b'{"type": "describe"}\n')
            assert await reader.readline() != b""  # it was told to end, and serves on
            writer.close()
        assert running.returncode is None
        running.kill()
        await end_of(running)
        assert box.gpu.used_bytes == 0


async def test_a_worker_can_leave_a_child_that_holds_memory_until_the_group_is_ended(box: Box) -> None:
    async with box.worker("tts", memory="3GiB", leave_child="2GiB") as running:
        await box.ready()
        assert box.gpu.used_bytes == 5 * GIB
        running.terminate()
        await end_of(running)
        assert box.gpu.used_bytes == 2 * GIB
        [child] = box.gpu.processes or ()
        assert os.getpgid(child.pid) == running.pid
        os.killpg(running.pid, signal.SIGKILL)
        await box.sees(0)


async def test_the_process_manager_ends_a_child_that_was_left_behind(box: Box) -> None:
    write_assignment(box.folder, "w", DeviceAssignment("cuda:0"))
    children = Children(box.folder)
    spec = ProcessSpec(
        name="w", role="worker", start_timeout_s=DEADLINE_S, env=box.environment,
        argv=tuple(box.command(fake_role="llm", memory="3GiB", leave_child="2GiB")),
    )  # fmt: skip
    await children.start(spec)
    await children.wait_ready(["w"], DEADLINE_S)
    assert box.gpu.used_bytes == 5 * GIB
    await children.stop("w")
    assert box.gpu.used_bytes == 0
    await children.stop_all()
