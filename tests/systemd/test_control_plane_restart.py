"""The real control plane, killed under load where systemd runs the house: turns go on, no worker is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from avatar_appliance.client import Endpoint, converse, synthesize

from .conftest import script

if TYPE_CHECKING:
    from systemd_harness import FakeSystemd, PrivateBus

from tests.system.appliance import free_ports

ROOT = Path(__file__).parents[2]
TOKEN = "avatar_restart-test-token"
ROLES = ("asr", "tts", "conversation")
PATIENCE_S = 90.0


class House:
    """Units of the fake systemd, and a control plane that can be killed."""

    def __init__(self, folder: Path, bus: PrivateBus, systemd: FakeSystemd) -> None:
        self.folder, self.bus, self.systemd = folder, bus, systemd
        names = (*ROLES, "admin")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        # Speech takes long enough to be in the middle of it whenever the control plane goes or comes.
        voice = {"engine": "fake", "fake_role": "tts", "chunk_interval_s": 0.15, "preload": True}
        config: dict[str, Any] = {
            "host": "127.0.0.1",
            "paths": {"state_dir": f"{folder}/state", "cache_dir": f"{folder}/cache", "runtime_dir": str(folder)},
            "discovery": {"enabled": False},
            "admin": {"port": self.ports["admin"], "token": TOKEN},
            "asr": {"port": self.ports["asr"], "workers": ["ears"]},
            "tts": {"port": self.ports["tts"], "workers": ["voice"]},
            "conversation": {"port": self.ports["conversation"], "openai_port": None, "workers": ["mind"]},
            "workers": {
                "ears": {"engine": "fake", "fake_role": "asr"},
                "voice": voice,
                "mind": {"engine": "fake", "fake_role": "llm", "answer": "fine"},
            },
        }
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(config), encoding="utf-8")
        unit = type(script(""))
        python = (sys.executable, "-m", "wyoming_servers", "--config", str(self.config))
        environment = {"PYTHONPATH": str(ROOT)}
        systemd.files["avatar-worker@"] = unit((*python, "worker", "%i"), env=environment)
        systemd.files["avatar-wyoming@"] = unit((*python, "serve", "%i"), env=environment)

    async def control(self) -> asyncio.subprocess.Process:
        """Start a control plane."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "avatar_appliance", "serve", "control", "--config", str(self.config),
            cwd=ROOT, env={**inherited, "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address},
        )  # fmt: skip

    def endpoint(self, role: str) -> Endpoint:
        return Endpoint("127.0.0.1", self.ports[role])

    async def workers(self) -> dict[str, dict[str, Any]]:
        """Return what the control plane says of its workers; {} while it is away."""

        def get() -> dict[str, dict[str, Any]]:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.ports['admin']}/api/vram", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=5) as response:
                    return {worker["name"]: worker for worker in json.loads(response.read())["workers"]}
            except OSError:
                return {}

        return await asyncio.to_thread(get)

    async def until_workers(self, condition: Any) -> dict[str, dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_S):
            while not ((found := await self.workers()) and condition(found)):
                await asyncio.sleep(0.05)
        return found


async def test_a_control_plane_killed_under_load_loses_no_turn_and_starts_nothing_twice(
    bus: PrivateBus, systemd: FakeSystemd, folder: Path
) -> None:
    house = House(folder, bus, systemd)
    first = await house.control()
    second: asyncio.subprocess.Process | None = None
    stop = asyncio.Event()
    spoken = answered = 0

    async def speak() -> None:
        nonlocal spoken
        while not stop.is_set():
            await synthesize(house.endpoint("tts"), "one two three. four five six.", voice="fake-en")
            spoken += 1

    async def talk() -> None:
        nonlocal answered
        while not stop.is_set():
            assert (await converse(house.endpoint("conversation"), "how are you?", language="en")).handled
            answered += 1
            await asyncio.sleep(0.05)

    try:
        for role in ROLES:
            await systemd.start(f"avatar-wyoming@{role}.service")
        await house.until_workers(lambda found: all(w["state"] == "ready" for w in found.values()))
        pids = {name: systemd.units[f"avatar-worker@{name}.service"].pid for name in ("ears", "voice", "mind")}
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as turns:
            for _ in range(3):
                turns.create_task(speak())
            turns.create_task(talk())
            await house.until_workers(lambda found: found["voice"]["leases"] > 0)
            first.kill()
            await first.wait()
            before = spoken, answered
            while spoken < before[0] + 3 or answered < before[1] + 3:  # turns go on with nobody to ask
                await asyncio.sleep(0.05)
            second = await house.control()
            # Its users declare the leases they hold, and ask for new ones.
            await house.until_workers(lambda found: found["voice"]["leases"] > 0 and found["mind"]["state"] == "ready")
            before = spoken, answered
            while spoken < before[0] + 3 or answered < before[1] + 3:
                await asyncio.sleep(0.05)
            stop.set()
        found = await house.until_workers(lambda found: not any(worker["leases"] for worker in found.values()))
        assert {worker["state"] for worker in found.values()} == {"ready"}
        for name, pid in pids.items():
            unit = systemd.units[f"avatar-worker@{name}.service"]
            assert (unit.pid, unit.starts) == (pid, 1), f"{name}: neither lost nor started twice"
    finally:
        for process in (first, second):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
