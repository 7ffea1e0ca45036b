"""The single writer: pragmas, isolation, cancellation, refusal of files it must not touch."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from avatar_appliance.errors import ShuttingDown
from avatar_appliance.store import (
    Database,
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseTooNew,
    StoreUnavailable,
    Transaction,
)

INSERT = "INSERT INTO conversations (id, started_at, last_turn_at) VALUES (?, 0, 0)"


async def ids(database: Database) -> list[str]:
    return [row[0] for row in await database.fetch_all("SELECT id FROM conversations ORDER BY id")]


async def test_the_pragmas_it_relies_on_are_in_force(database: Database) -> None:
    async with database.transaction() as tx:
        values = {
            name: (await tx.fetch_all(f"PRAGMA {name}"))[0][0]
            for name in ("journal_mode", "foreign_keys", "synchronous", "secure_delete", "busy_timeout")
        }
    assert values == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }


async def test_every_table_is_strict(database: Database) -> None:
    rows = await database.fetch_all(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict "
        "AND schema = 'main' AND name NOT LIKE 'sqlite_%'"
    )
    assert rows == []


async def test_the_file_is_readable_for_its_owner_only(database: Database) -> None:
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


async def test_a_transaction_is_seen_by_readers_only_after_its_commit(database: Database) -> None:
    async with database.transaction() as tx:
        assert await tx.execute(INSERT, ("one",)) == 1
        assert [row[0] for row in await tx.fetch_all("SELECT id FROM conversations")] == ["one"]
        assert await ids(database) == []
    assert await ids(database) == ["one"]


async def test_the_rollback_of_one_writer_does_not_lose_the_insert_of_another(database: Database) -> None:
    first_wrote, second_waits = asyncio.Event(), asyncio.Event()

    async def failing() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, ("lost",))
            first_wrote.set()
            await second_waits.wait()
            raise ValueError("stop")

    async def other() -> None:
        await first_wrote.wait()
        second_waits.set()
        async with database.transaction() as tx:
            await tx.execute(INSERT, ("kept",))

    results = await asyncio.gather(failing(), other(), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert await ids(database) == ["kept"]


async def test_many_concurrent_writers_lose_nothing(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, (f"{number:03}",))
            if number % 3 == 0:
                raise ValueError("every third fails")

    await asyncio.gather(*(write(number) for number in range(60)), return_exceptions=True)
    assert await ids(database) == [f"{number:03}" for number in range(60) if number % 3]


async def test_a_cancelled_transaction_rolls_back_and_lets_the_next_one_in(database: Database) -> None:
    wrote = asyncio.Event()

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, ("cancelled",))
            wrote.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await wrote.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as tx:
        await tx.execute(INSERT, ("next",))
    assert await ids(database) == ["next"]


@pytest.mark.parametrize("steps", range(40))
async def test_a_cancellation_at_any_moment_leaves_all_or_nothing(database: Database, steps: int) -> None:
    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, ("a",))
            await tx.execute(INSERT, ("b",))

    task = asyncio.create_task(write())
    for _ in range(steps * steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await ids(database) in ([], ["a", "b"])
    async with database.transaction() as tx:
        await tx.execute(INSERT, ("next",))
    assert "next" in await ids(database)


async def test_a_cancelled_waiter_does_not_take_the_lock_with_it(database: Database) -> None:
    async with database.transaction() as tx:
        waiter = asyncio.create_task(write_one(database, "waiter"))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        await tx.execute(INSERT, ("holder",))
    await write_one(database, "after")
    assert await ids(database) == ["after", "holder"]


async def write_one(database: Database, name: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(INSERT, (name,))


async def test_transactions_do_not_nest(database: Database) -> None:
    async with database.transaction():
        with pytest.raises(RuntimeError, match="nest"):
            async with database.transaction():
                pass


async def test_a_transaction_is_dead_after_its_block(database: Database) -> None:
    leaked: Transaction
    async with database.transaction() as leaked:
        pass
    with pytest.raises(RuntimeError, match="over"):
        await leaked.execute(INSERT, ("late",))


async def test_queries_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        await database.fetch_all(INSERT, ("sneaky",))
    assert await ids(database) == []


async def test_a_mistake_in_sql_keeps_its_own_error(database: Database) -> None:
    await write_one(database, "twice")
    with pytest.raises(sqlite3.IntegrityError):
        await write_one(database, "twice")
    await write_one(database, "fine")


async def test_waiting_for_another_process_ends_as_busy_and_does_not_block_the_loop(tmp_path: Path) -> None:
    path = tmp_path / "avatar.db"
    async with Database.open(path, busy_timeout_s=0.05) as database:
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(write_one(database, "blocked"))
            turns_of_the_loop = 0
            while not writing.done():
                await asyncio.sleep(0)
                turns_of_the_loop += 1
            with pytest.raises(DatabaseBusy) as caught:
                await writing
            assert caught.value.retryable
            assert turns_of_the_loop > 20
            other.execute("ROLLBACK")
        finally:
            other.close()
        await write_one(database, "afterwards")
        assert await ids(database) == ["afterwards"]


async def test_after_closing_it_says_so(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "avatar.db") as database:
        pass
    with pytest.raises(ShuttingDown):
        await database.fetch_all("SELECT 1")
    with pytest.raises(ShuttingDown):
        await write_one(database, "late")


async def test_closing_leaves_one_file_and_waits_for_the_writer(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "avatar.db") as database:
        wrote = asyncio.Event()

        async def slow() -> None:
            async with database.transaction() as tx:
                await tx.execute(INSERT, ("slow",))
                wrote.set()
                for _ in range(20):
                    await tx.fetch_all("SELECT 1")

        task = asyncio.create_task(slow())
        await wrote.wait()
    await task
    assert os.listdir(tmp_path) == ["avatar.db"]
    async with Database.open(tmp_path / "avatar.db") as database:
        assert await ids(database) == ["slow"]
        assert not database.created


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "avatar.db"
    async with Database.open(path) as database:
        await write_one(database, "precious")
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 9999")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseTooNew, match="9999"):
        async with Database.open(path):
            pass
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["not a database", "torn page"])
async def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "avatar.db"
    if damage == "not a database":
        path.write_bytes(b"this is certainly not a database, but it may be all somebody has" * 100)
    else:
        async with Database.open(path) as database, database.transaction() as tx:
            await tx.execute_many(INSERT, [(f"conversation {number}" * 20,) for number in range(500)])
        content = bytearray(path.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(DatabaseDamaged):
        async with Database.open(path):
            pass
    assert path.read_bytes() == before


async def test_a_folder_in_its_place_is_an_error_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "avatar.db").mkdir()
    with pytest.raises(StoreUnavailable):
        async with Database.open(tmp_path / "avatar.db"):
            pass


FAILS_WHILE_OPEN = """
import asyncio, sys
from pathlib import Path
from avatar_appliance.store import Database

async def main():
    async with Database.open(Path(sys.argv[1])):
        raise SystemExit(7)

asyncio.run(main())
"""


def test_a_start_up_that_fails_ends_the_process(tmp_path: Path) -> None:
    """A connection left open would keep its thread, and the process, for ever."""
    done = subprocess.run(
        [sys.executable, "-c", FAILS_WHILE_OPEN, str(tmp_path / "avatar.db")], timeout=30, check=False
    )
    assert done.returncode == 7


def test_a_refused_database_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "avatar.db"
    path.write_bytes(b"no database" * 1000)
    done = subprocess.run(
        [sys.executable, "-c", FAILS_WHILE_OPEN, str(path)],
        timeout=30,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "DatabaseDamaged" in done.stderr


@pytest.mark.parametrize(("ending", "expected"), [("commit", ["one"]), ("rollback", [])])
async def test_a_cancellation_waits_until_the_end_of_a_transaction_is_decided(
    database: Database, monkeypatch: pytest.MonkeyPatch, ending: str, expected: list[str]
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    writer = database._writer
    real = getattr(writer, ending)

    async def slow() -> None:
        reached.set()
        await go_on.wait()
        await real()

    monkeypatch.setattr(writer, ending, slow)

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT, ("one",))
            if ending == "rollback":
                raise ValueError("stop")

    task = asyncio.create_task(write())
    await reached.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    monkeypatch.setattr(writer, ending, real)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ids(database) == expected
    await write_one(database, "two")
