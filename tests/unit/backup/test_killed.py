"""kill -9 in the middle: the old state is there again, or the new one is whole."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avatar_appliance.backup import BackupRequest, create_backup
from avatar_appliance.store import AudioStore, Store

from .lived_in import add_turn, names_in, past_of

Ask = Callable[..., BackupRequest]

BLOCKED_BACKUP = """
import sys
from pathlib import Path
from avatar_appliance.backup import BackupRequest, create_backup

class Blocks:
    def step(self, label, total_bytes): pass
    def note(self, text): pass
    def at(self, done_bytes):
        if done_bytes > 20_000:
            print("in the middle", flush=True)
            sys.stdin.read()

state, folder = sys.argv[1:]
create_backup(BackupRequest(state_dir=Path(state), destination=Path(folder), machine_id="0" * 32, audio=True), Blocks())
"""

# Forks for each case, so that Python starts only once. Prints one line of JSON per case.
KILLED_RESTORES = """
import json, os, shutil, signal, sys, logging
from pathlib import Path
from avatar_appliance.backup import restore_backup, roll_back

backup, state, scratch = map(Path, sys.argv[1:])
logging.disable()

def killed_at(number, work):
    "Do `work` in a child that dies before its rename `number`; return whether it died."
    child = os.fork()
    if child == 0:
        rename, seen = Path.rename, 0
        def counted(self, target):
            nonlocal seen
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(self, target)
        Path.rename = counted
        work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

def case(at, again):
    copy = scratch / f"{at}-{again}"
    shutil.copytree(state, copy)
    config = scratch / f"{at}-{again}.yaml"
    config.write_text("house: {name: old}")
    died = killed_at(at, lambda: restore_backup(backup, copy, lambda: None, config_file=config))
    if died and again:
        killed_at(again, lambda: roll_back(copy))
    roll_back(copy)
    print(json.dumps({"died": died, "at": at, "again": again, "state": str(copy), "config": config.read_text()}))
    return died

at = 1
while case(at, 0):
    for again in (1, 4):
        case(at, again)
    at += 1
"""


async def run(script: str, *arguments: Path, **options: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *map(str, arguments), stdout=asyncio.subprocess.PIPE, **options
    )


async def test_a_backup_that_is_killed_leaves_nothing_and_the_next_one_cleans_up(
    request_for: Ask, state_dir: Path, folder: Path
) -> None:
    process = await run(BLOCKED_BACKUP, state_dir, folder, stdin=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"in the middle\n"
    process.kill()
    await process.communicate()
    assert names_in(folder, "avatar-backup-*") == [], "no file that looks like a backup"
    report = await asyncio.to_thread(create_backup, request_for(audio=True))
    assert names_in(folder) == [report.path.name]
    assert names_in(state_dir, ".backup-*") == []
    assert len((await past_of(state_dir)).transcripts) == 5


async def test_a_restore_killed_before_any_of_its_steps_is_all_or_nothing(
    request_for: Ask, state_dir: Path, tmp_path: Path
) -> None:
    wanted = {"config.yaml": b"house: {name: restored}"}
    path = (await asyncio.to_thread(create_backup, request_for(audio=True, config_files=wanted))).path
    restored = await past_of(state_dir)
    async with Store.open(state_dir) as store:
        await add_turn(store.turns, AudioStore(state_dir / "audio", min_free_bytes=0), "since then", 5000.0)
    (state_dir / "of-a-later-version.json").write_text('{"newer": true}')
    before = await past_of(state_dir)
    (tmp_path / "cases").mkdir()
    process = await run(KILLED_RESTORES, path, state_dir, tmp_path / "cases")
    out, _ = await process.communicate()
    cases = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0
    assert len(cases) > 20
    assert not cases[-1]["died"], "the last one came to its end"
    for case in cases:
        state = Path(case["state"])
        past = await past_of(state)
        asides = [state / name for name in names_in(state, "before-restore-*")]
        if past == before:
            assert case["died"], case
            assert case["config"] == "house: {name: old}", case
            assert asides == [], case
        else:
            assert past == restored, case
            assert case["config"] == "house: {name: restored}", case
            assert [await past_of(aside) for aside in asides] == [before], case
        assert names_in(state, ".restoring*") == [], case
