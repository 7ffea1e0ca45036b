"""Real little Python processes as children, and a witness of everything that is said about them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from avatar_appliance.processes import Children, ProcessSpec, ProcessState, ProcessStatus, RestartPolicy

DEADLINE_S = 20.0  # a loaded machine is slow; a passing test never waits this long

# What each script may use. `say` is all there is to sd_notify.
PRELUDE = """
import os, signal, socket, subprocess, sys

def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])

def wait():
    while True:
        signal.pause()

def grandchild(body="", **options):
    "Start a process of ours that does `body`, then waits for ever; return once it has done so."
    lines = ["import signal", *body.splitlines(), "print(flush=True)", "signal.pause()"]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
    process = subprocess.Popen([sys.executable, "-S", "-c", chr(10).join(lines)], **options)
    process.stdout.readline()
    return process
"""

QUICK = RestartPolicy(
    first_delay_s=0.001,
    longest_delay_s=0.004,
    steady_after_s=60.0,
    crash_limit=3,
    crash_window_s=60.0,
    cool_down_s=0.02,
    kill_timeout_s=5.0,
)


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A folder with a short name: pytest's own is too long for a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="avatar-"))
    yield folder
    shutil.rmtree(folder)


class Nursery:
    """Children under test, and what was seen of them."""

    def __init__(self, runtime_dir: Path, scripts: Path) -> None:
        self.runtime_dir = runtime_dir
        self._scripts = scripts
        self.seen: list[ProcessStatus] = []
        self.with_policy(QUICK)

    def with_policy(self, policy: RestartPolicy, clock: Callable[[], float] | None = None) -> None:
        """Have the children of this test restarted by other rules; before any is started."""
        assert not self.seen
        self.children = Children(self.runtime_dir, policy=policy, **({"clock": clock} if clock else {}))
        self.children.on_change(self.seen.append)
        self._stream = self.children.changes()

    def spec(self, body: str, name: str = "asr", **fields: object) -> ProcessSpec:
        """A child that runs `body` after the prelude, with other fields by name."""
        script = self._scripts / f"{name}.py"
        script.write_text(PRELUDE + textwrap.dedent(body))
        values = {"role": "worker", "start_timeout_s": DEADLINE_S, "stop_timeout_s": DEADLINE_S, **fields}
        return ProcessSpec(name, (sys.executable, "-S", str(script)), **values)  # type: ignore[arg-type]

    async def start(self, body: str, name: str = "asr", **fields: object) -> ProcessSpec:
        """Begin to start a child that runs `body`."""
        spec = self.spec(body, name, **fields)
        await self.children.start(spec)
        return spec

    async def started(self, body: str, name: str = "asr", **fields: object) -> ProcessStatus:
        """Start a child that runs `body`, and wait until it is ready."""
        await self.start(body, name, **fields)
        await self.children.wait_ready([name], DEADLINE_S)
        return await self.sees(ProcessState.READY, name)

    async def sees(self, what: ProcessState | Callable[[ProcessStatus], bool], name: str = "asr") -> ProcessStatus:
        """The next status (after the one seen last) of `name` in a state, or that fulfils a condition."""
        async with asyncio.timeout(DEADLINE_S):
            async for status in self._stream:
                fits = status.state is what if isinstance(what, ProcessState) else what(status)
                if status.name == name and fits:
                    return status
        raise AssertionError("the stream has ended")

    def states(self, name: str = "asr") -> list[ProcessState]:
        """Every state `name` went through."""
        states = [status.state for status in self.seen if status.name == name]
        return [state for i, state in enumerate(states) if i == 0 or states[i - 1] is not state]

    @property
    def pids(self) -> set[int]:
        return {status.pid for status in self.seen if status.pid is not None}


def _nothing_is_left(pids: set[int], runtime_dir: Path) -> None:
    for pid in pids:
        with pytest.raises(ChildProcessError):  # not even a zombie
            os.waitpid(pid, os.WNOHANG)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            state, _, group = rest.split()[:3]
            # An orphan's zombie is up to the init of this machine.
            assert int(group) not in pids or state == "Z", f"{name}) is still there"
    assert list(runtime_dir.iterdir()) == []


@pytest.fixture
def nothing_is_left(runtime_dir: Path) -> Callable[[set[int]], None]:
    """Check that of children with these pids there is no process, zombie or socket left."""
    return lambda pids: _nothing_is_left(pids, runtime_dir)


@pytest.fixture
async def nursery(runtime_dir: Path, tmp_path: Path) -> AsyncIterator[Nursery]:
    """Children that the end of the test stops; it then checks that nothing at all is left of them."""
    nursery = Nursery(runtime_dir, tmp_path)
    try:
        yield nursery
        await nursery.children.stop_all()
        _nothing_is_left(nursery.pids, runtime_dir)
    finally:
        for pid in nursery.pids:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


async def _gone(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


@pytest.fixture
def gone() -> Callable[[int], Awaitable[None]]:
    """Wait until a process, anybody's child, has ended."""
    return _gone
