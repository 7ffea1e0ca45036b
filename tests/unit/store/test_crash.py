"""A killed writer: what was committed stays, what was not is gone, the file is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from avatar_appliance.store import Database

WRITER = """
import asyncio, sys
from pathlib import Path
from avatar_appliance.store import Database

INSERT = "INSERT INTO conversations (id, started_at, last_turn_at) VALUES (?, 0, 0)"

async def main():
    async with Database.open(Path(sys.argv[1])) as database:
        number = 0
        while True:
            async with database.transaction() as tx:
                await tx.execute(INSERT, (f"committed {number}",))
            print(number, flush=True)
            number += 1
            if number == int(sys.argv[2]):
                async with database.transaction() as tx:
                    await tx.execute_many(INSERT, [(f"open {i}" + "x" * 2000,) for i in range(2000)])
                    print("in the middle", flush=True)
                    await asyncio.Event().wait()

asyncio.run(main())
"""


async def check(path: Path, acknowledged: int) -> None:
    async with Database.open(path) as database:
        rows = {row[0] for row in await database.fetch_all("SELECT id FROM conversations")}
        integrity = await database.fetch_one("PRAGMA integrity_check")
    assert {f"committed {number}" for number in range(acknowledged)} <= rows
    assert not [row for row in rows if row.startswith("open")]
    assert integrity is not None
    assert integrity[0] == "ok"


def killed_in_a_transaction(path: Path) -> int:
    """Kill a writer while its transaction is open; return how many commits it had acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), "20"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        acknowledged = len(list(iter(writer.stdout.readline, b"in the middle\n")))
        writer.kill()
    return acknowledged


def killed_while_busy(path: Path, after: int) -> int:
    """Kill a writer that never rests; return how many commits it had acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), "-1"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(after):
            assert writer.stdout.readline()
        writer.kill()
        return after + len(writer.stdout.read().splitlines())


async def test_a_writer_killed_in_the_middle_of_a_transaction_loses_no_row(tmp_path: Path) -> None:
    acknowledged = killed_in_a_transaction(tmp_path / "avatar.db")
    assert acknowledged == 20
    await check(tmp_path / "avatar.db", acknowledged)


@pytest.mark.parametrize("after", [1, 5, 23])
async def test_a_writer_killed_at_an_unlucky_moment_loses_no_acknowledged_row(tmp_path: Path, after: int) -> None:
    acknowledged = killed_while_busy(tmp_path / "avatar.db", after)
    await check(tmp_path / "avatar.db", acknowledged)
