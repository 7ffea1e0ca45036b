"""The control plane and a restore never have the state folder at the same time."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatar_appliance.backup import ApplianceRunning, create_backup, restore_backup, state_in_use
from avatar_appliance.backup.restore_swap import Move, swap, work_folder
from avatar_appliance.config import Settings
from avatar_appliance.control.plane import ControlPlane

from .lived_in import names_in, past_of
from .test_round_trip import Ask


@pytest.fixture
def settings(state_dir: Path) -> Iterator[Settings]:
    """A control plane alone, on a port of its own."""
    runtime_dir = Path(tempfile.mkdtemp(prefix="avatar-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    yield Settings.from_sources(
        {
            "paths": {"state_dir": str(state_dir), "runtime_dir": str(runtime_dir), "cache_dir": str(runtime_dir)},
            "discovery": {"enabled": False},
            "admin": {"port": port},
            "store": {"retention_days": None, "audio_days": None},
        },
        {},
    )
    shutil.rmtree(runtime_dir)


async def test_a_running_control_plane_is_backed_up_and_not_restored_under(
    request_for: Ask, settings: Settings, state_dir: Path
) -> None:
    async with ControlPlane.run(settings):
        path = (await asyncio.to_thread(create_backup, request_for(audio=True))).path
        with pytest.raises(ApplianceRunning):
            await asyncio.to_thread(restore_backup, path, state_dir, lambda: None)
        with pytest.raises(ApplianceRunning):
            async with ControlPlane.run(settings):
                pass
    await asyncio.to_thread(restore_backup, path, state_dir, lambda: None)


async def test_the_control_plane_does_not_carry_what_encrypts_backups() -> None:
    script = "import sys, avatar_appliance.control.plane; print('pyrage' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert (await process.communicate())[0] == b"False\n"


async def test_no_control_plane_starts_under_a_restore(settings: Settings, state_dir: Path) -> None:
    with state_in_use(state_dir), pytest.raises(ApplianceRunning):
        async with ControlPlane.run(settings):
            pass


async def test_a_start_undoes_a_restore_that_was_interrupted(settings: Settings, state_dir: Path) -> None:
    before = await past_of(state_dir)
    work = work_folder(state_dir)
    (work / "new").mkdir(parents=True)
    (work / "new/avatar.db").write_bytes(b"half of a restore")
    moves = [
        Move(state_dir / "avatar.db", work / "old/avatar.db", work / "new/avatar.db"),
        Move(state_dir / "of-a-later-version.json", work / "old/of-a-later-version.json", None),
    ]
    killed_in_the_middle(state_dir, moves)
    assert (state_dir / "avatar.db").read_bytes() == b"half of a restore"
    async with ControlPlane.run(settings):
        assert names_in(state_dir, ".restoring") == []
    after = await past_of(state_dir)
    assert after.transcripts == before.transcripts
    assert after.recordings == before.recordings
    assert (state_dir / "of-a-later-version.json").exists()


def killed_in_the_middle(state_dir: Path, moves: list[Move]) -> None:
    """Leave the disk as a kill before the last step of a swap does."""
    child = os.fork()
    if child == 0:
        try:
            rename = Path.rename

            def die_at_the_end(self: Path, target: Path) -> Path:
                if Path(target).name.startswith("before-restore-"):
                    os._exit(0)
                return rename(self, target)

            Path.rename = die_at_the_end  # type: ignore[assignment, method-assign]
            swap(state_dir, moves, state_dir / "before-restore-x")
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
