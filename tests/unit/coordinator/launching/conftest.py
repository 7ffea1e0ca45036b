"""Real processes under a real manager, and servers on unix sockets that answer by script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.launching import Launchable, ProcessLauncher, launchable
from avatar_appliance.coordinator.launching.sleeper import Sleeper
from avatar_appliance.coordinator.worker_spec import WorkerRole
from avatar_appliance.processes import Children, ProcessSpec, RestartPolicy

ROOT = Path(__file__).parents[4]
DEADLINE_S = 60.0  # a loaded machine imports slowly; a passing test never waits this long
GIB = 2**30

PRELUDE = """
import os, signal, socket, subprocess, sys

def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])

def wait():
    while True:
        signal.pause()
"""
READY = "say('READY=1\\nSTATUS=listening'); wait()"


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A folder with a short name: pytest's own is too long for a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="la"))
    yield folder
    shutil.rmtree(folder)


class ScriptedProbe:
    """Answers as told: `answers` are raised one after the other, then all is well; a gate may hold it up."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def check(self) -> None:
        self.asked += 1
        await self.gate.wait()
        if self.answers:
            raise self.answers.pop(0)


class House:
    """Workers, their manager and their launcher."""

    def __init__(self, runtime_dir: Path) -> None:
        self.runtime_dir = runtime_dir
        self.children = Children(runtime_dir, policy=RestartPolicy(first_delay_s=0.001, kill_timeout_s=5.0))
        self.workers: dict[str, Launchable] = {}
        self.launcher = ProcessLauncher(self.children, self.workers, runtime_dir)
        self.exits: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.launcher.on_exit(lambda worker, why: self.exits.put_nowait((worker, why)))

    def script(
        self, body: str, *, probe: Any = None, sleeper: Sleeper | None = None, name: str = "w", **fields: Any
    ) -> ScriptedProbe:
        """Let the worker be a little program."""
        argv = (sys.executable, "-S", "-c", PRELUDE + textwrap.dedent(body))
        spec = ProcessSpec(name, argv, "worker", **{"start_timeout_s": DEADLINE_S, "stop_timeout_s": 5.0, **fields})
        probe = probe or ScriptedProbe()
        self.workers[name] = Launchable(spec=spec, probe=probe, sleeper=sleeper)
        return probe  # type: ignore[no-any-return]

    def fake(self, role: WorkerRole, *, start_timeout_s: float = DEADLINE_S, **worker: Any) -> None:
        """Let the worker `w` be one of the fakes that ship in the product, with the real probe of its role."""
        workers: dict[str, Any] = {
            other: {"engine": "fake", "fake_role": kind} for other, kind in (("a", "asr"), ("t", "tts"), ("l", "llm"))
        }
        workers["w"] = {"engine": "fake", "fake_role": role, **worker}
        config = {
            "asr": {"workers": ["a"]},
            "tts": {"workers": ["t"]},
            "conversation": {"workers": ["l"]},
            "workers": workers,
            "limits": {"drain_s": 0.2},
            "paths": {key: str(self.runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
        }
        file = self.runtime_dir / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        argv = (sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "w")
        spec = ProcessSpec("w", argv, "worker", start_timeout_s, stop_timeout_s=5.0, env={"PYTHONPATH": str(ROOT)})
        self.workers["w"] = launchable(spec, role, socket_path(self.runtime_dir, "w"))

    async def start(self, name: str = "w", device: str = "cuda:0") -> None:
        """Start a worker, within the patience of a test."""
        async with asyncio.timeout(DEADLINE_S):
            await self.launcher.start(name, device, GIB)

    async def exit(self) -> tuple[str, str]:
        """The next end of a worker that nobody asked for."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.exits.get()

    async def progress(self, text: str, name: str = "w") -> None:
        """Wait until the worker does this."""
        with self.children.changes() as changes:
            async with asyncio.timeout(DEADLINE_S):
                while self.launcher.progress(name) != text:
                    with contextlib.suppress(TimeoutError):  # progress changes right after a status does
                        await asyncio.wait_for(anext(changes), 0.01)


@pytest.fixture
async def house(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose end stops every process; nothing is left then."""
    for variable in [key for key in os.environ if key.startswith("AVATAR_")]:
        monkeypatch.delenv(variable)
    house = House(runtime_dir)
    async with house.children, house.launcher:
        yield house
    assert not [name for name in os.listdir(runtime_dir) if name.startswith("notify-")]


class HttpServer:
    """An HTTP server on a unix socket; `answers` maps "GET /path?query" to a status and a body."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.answers: dict[str, tuple[int, object] | Callable[[], tuple[int, object]]] = {}
        self.requests: list[str] = []
        self.bodies: list[Any] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> HttpServer:
        self._server = await asyncio.start_unix_server(self._serve, self.socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(v) for k, _, v in _headers(head) if k.lower() == "content-length"), 0)
            request = " ".join(head.split(" ")[:2])
            self.requests.append(request)
            if length:
                self.bodies.append(json.loads(await reader.readexactly(length)))
            answer = self.answers.get(request, (404, {"error": {"message": "no such path"}}))
            status, body = answer() if callable(answer) else answer
            if status:  # 0: hang up
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: {len(raw)}\r\nconnection: close\r\n\r\n".encode())
                writer.write(raw)
                await writer.drain()
        finally:
            writer.close()


def _headers(head: str) -> Iterator[tuple[str, str, str]]:
    return (line.partition(": ") for line in head.splitlines()[1:])


@pytest.fixture
async def http(runtime_dir: Path) -> AsyncIterator[HttpServer]:
    """A scripted server on `worker-w.sock`."""
    async with HttpServer(socket_path(runtime_dir, "w")) as server:
        yield server
