"""Starts the whole appliance as an owner does, with its own ports and folders, and talks to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from avatar_appliance.client import Endpoint

Result = TypeVar("Result")

TOKEN = "avatar_system-test-token"
# The embedded workers. Piper varies each sentence by chance, and Whisper base mishears one now and then: here it
# speaks the same way each time, so that a failure means something.
EMBEDDED: dict[str, dict[str, Any]] = {
    "whisper-base": {"engine": "faster-whisper"},
    "piper": {"engine": "piper", "noise_scale": 0, "noise_w_scale": 0},
    "espeak": {"engine": "espeak-ng"},
    "chat": {"engine": "llama-cpp"},
}
ROLES = ("asr", "tts", "conversation")


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def until(what: str, probe: Callable[[], Result | None], timeout_s: float = 60.0) -> Result:
    """Return the first true result of `probe`; fails naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := probe():
            return result
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {timeout_s:g} s")


@dataclass
class Appliance:
    """A running `avatar up`."""

    folder: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    ports: dict[str, int] = field(default_factory=dict)
    host: str = "127.0.0.1"
    """Where the three servers are reached; the API is always on loopback."""

    def start(self, timeout_s: float = 240.0) -> None:
        """Start and wait until every process is ready."""
        names = (*ROLES, "admin", "openai")
        self.ports = self.ports or dict(zip(names, free_ports(len(names)), strict=True))
        self.config.write_text(yaml.safe_dump(self._configuration()), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AVATAR_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "avatar_appliance", "up", "--config", str(self.config), *self.arguments],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until("every process ready", self._ready, timeout_s)

    def stop(self) -> int:
        """Ask it to stop, as Ctrl+C does, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """Take it away without a word."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def endpoint(self, role: str) -> Endpoint:
        return Endpoint(self.host, self.ports[role])

    def get(self, path: str, *, method: str = "GET") -> Any:
        """Return the JSON (or bytes, for audio) of an API route."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['admin']}{path}",
            method=method,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            body = response.read()
            return json.loads(body) if "json" in response.headers.get("Content-Type", "") else body

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what the API says of each process, by name."""
        return {process["name"]: process for process in self.get("/api/system/info")["processes"]}

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return what the API says of each worker, by name."""
        return {worker["name"]: worker for worker in self.get("/api/vram")["workers"]}

    def device(self, name: str) -> dict[str, Any]:
        """Return what the API says of a device."""
        return next(device for device in self.get("/api/vram")["devices"] if device["device"] == name)

    def decisions(self, worker: str) -> list[str]:
        """Return the kinds of what was decided on a worker, oldest first."""
        return [d["kind"] for d in reversed(self.get(f"/api/vram/decisions?worker={worker}&limit=100")["items"])]

    def _configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "host": "127.0.0.1",
            "paths": {"state_dir": str(self.folder / "state"), "runtime_dir": str(self.folder / "run")},
            "discovery": {"enabled": False},
            "admin": {"port": self.ports["admin"], "token": TOKEN},
            "workers": EMBEDDED,
        }
        for role in ROLES:
            configuration[role] = {"port": self.ports[role]}
        configuration["conversation"]["openai_port"] = self.ports["openai"]
        for section, values in self.overrides.items():
            if isinstance(values, dict) and section != "workers":
                configuration[section] = {**configuration.get(section, {}), **values}
            else:
                configuration[section] = values
        return configuration

    def _ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"`avatar up` ended with {self.process.returncode}:\n{self.log.read_text('utf-8')}")
        try:
            found, workers = self.processes(), self.workers()
        except OSError:
            return False
        servers = [found[role]["state"] == "ready" for role in ROLES]
        return all(servers) and all(w["state"] == "ready" for w in workers.values() if w["preload"])
