"""A bus, a fake systemd with real processes, and a witness of what the manager says."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `systemd_harness`

from systemd_harness import FakeSystemd, PrivateBus, UnitFile
from systemd_harness.private_bus import DAEMON

from avatar_appliance.processes import ProcessSpec, ProcessState, ProcessStatus
from avatar_appliance.processes.systemd_units import SystemdUnits

DEADLINE_S = 20.0

# What each script may use. `say` is all there is to sd_notify.
PRELUDE = """
import os, signal, socket, subprocess, sys

def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])

def wait():
    while True:
        signal.pause()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: pytest's own is too long for a unix socket."""
    if not Path(DAEMON).exists():
        if "CI" in os.environ:
            pytest.fail("dbus-daemon is missing")
        pytest.skip("needs dbus-daemon (scripts/system-packages test)")
    path = Path(tempfile.mkdtemp(prefix="sd"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def bus(folder: Path) -> AsyncIterator[PrivateBus]:
    """A private bus with nobody on it."""
    async with PrivateBus(folder) as running:
        yield running


@pytest.fixture
async def systemd(bus: PrivateBus, folder: Path) -> AsyncIterator[FakeSystemd]:
    """The fake systemd, with a unit file for workers that are ready at once."""
    async with FakeSystemd(bus.address, folder, {}) as running:
        running.files = {"avatar-worker@": script("say('READY=1'); wait()"), "avatar-wyoming@": script("wait()")}
        yield running


def script(body: str, **fields: Any) -> UnitFile:
    """A unit file that runs `body` after the prelude; sys.argv[1] is the instance."""
    return UnitFile((sys.executable, "-S", "-c", PRELUDE + textwrap.dedent(body), "%i"), **fields)


def spec(name: str, role: str = "worker") -> ProcessSpec:
    """What a manager of units needs of a spec."""
    return ProcessSpec(name, ("unused",), role, start_timeout_s=DEADLINE_S, restart=False)


class Witness:
    """A manager under test, and what it said."""

    def __init__(self, units: SystemdUnits) -> None:
        self.units = units
        self.seen: list[ProcessStatus] = []
        self._stream = units.changes()

    async def sees(self, what: ProcessState | Callable[[ProcessStatus], bool], name: str = "piper") -> ProcessStatus:
        """The next status (after the one seen last) of `name` in a state, or that fulfils a condition."""
        async with asyncio.timeout(DEADLINE_S):
            async for status in self._stream:
                self.seen.append(status)
                fits = status.state is what if isinstance(what, ProcessState) else what(status)
                if status.name == name and fits:
                    return status
        raise AssertionError("the stream has ended")

    def states(self, name: str = "piper") -> list[ProcessState]:
        """Every state `name` was seen in, in order."""
        states = [status.state for status in self.seen if status.name == name]
        return [state for i, state in enumerate(states) if i == 0 or states[i - 1] is not state]

    async def started(self, name: str = "piper") -> ProcessStatus:
        """Start a worker and wait until it is ready."""
        await self.units.start(spec(name))
        return await self.sees(ProcessState.READY, name)


@contextlib.asynccontextmanager
async def manager(bus: PrivateBus, **options: Any) -> AsyncIterator[Witness]:
    """A manager on that bus, as a control plane has one."""
    async with SystemdUnits(bus_address=bus.address, **options) as units:
        yield Witness(units)


@pytest.fixture
async def witness(bus: PrivateBus, systemd: FakeSystemd) -> AsyncIterator[Witness]:
    """A manager that came when there were no units yet."""
    async with manager(bus) as running:
        yield running
