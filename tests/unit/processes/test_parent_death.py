"""A child goes down with its parent, even when that was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import avatar_appliance

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(avatar_appliance.__file__).parents[1])}

# The child announces itself with the product's own `notify`, as a real one does.
CHILD = """
import signal, sys
from avatar_appliance.processes.parent_death import die_with_parent
from avatar_appliance.notify import notify

die_with_parent(int(sys.argv[1]))
notify(READY="1")
while True:
    signal.pause()
"""

PARENT = """
import asyncio, os, sys
from pathlib import Path
from avatar_appliance.processes import Children, ProcessSpec

async def main():
    async with Children(Path(sys.argv[1])) as children:
        argv = (sys.executable, sys.argv[2], str(os.getpid()))
        await children.start(ProcessSpec("asr", argv, "worker", start_timeout_s=20))
        await children.wait_ready(["asr"], 20)
        print(children.statuses()["asr"].pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_child_ends_when_its_parent_is_killed(
    runtime_dir: Path, tmp_path: Path, gone: Callable[[int], Awaitable[None]]
) -> None:
    child, parent = tmp_path / "child.py", tmp_path / "parent.py"
    child.write_text(CHILD)
    parent.write_text(PARENT)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(parent), str(runtime_dir), str(child), env=ENVIRONMENT, stdout=subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(20):
            pid = int(await process.stdout.readline())
    finally:
        process.kill()
        await process.communicate()
    await gone(pid)


def test_a_child_whose_parent_was_gone_before_it_could_ask_ends_at_once(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    not_its_parent = os.getppid()
    process = subprocess.run([sys.executable, child, str(not_its_parent)], env=ENVIRONMENT, timeout=20, check=False)
    assert process.returncode == -signal.SIGTERM
