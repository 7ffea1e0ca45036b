"""Migrations: from every older version, all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from avatar_appliance.store import AudioStore, Database, TurnFilter, TurnRepository
from avatar_appliance.store.schema import Migration, load_migrations

MIGRATIONS = load_migrations()
TURN_ID = "0" * 31 + "1"


def dump(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("old_version", range(len(MIGRATIONS) + 1))
async def test_a_database_of_each_older_version_is_brought_up_to_date_with_its_rows(
    tmp_path: Path, old_version: int
) -> None:
    path, fresh = tmp_path / "avatar.db", tmp_path / "fresh.db"
    if old_version:
        async with (
            Database.open(path, migrations=MIGRATIONS[:old_version]) as database,
            database.transaction() as tx,
        ):
            await tx.execute(
                "INSERT INTO turns (id, started_at, ended_at, status, transcript, answer) "
                "VALUES (?, 5, 6, 'ok', '打開客廳的燈', 'Done.')",
                (TURN_ID,),
            )
    async with Database.open(path) as database:
        turns = TurnRepository(database, AudioStore(tmp_path / "audio"))
        found = (await turns.list(TurnFilter(text="客廳的燈"))).items
        assert [turn.id for turn in found] == ([TURN_ID] if old_version else [])
        version = await database.fetch_one("PRAGMA user_version")
        assert version is not None
        assert version[0] == len(MIGRATIONS)
    async with Database.open(fresh):
        pass
    assert dump(path) == dump(fresh)


async def test_a_migration_that_fails_leaves_the_old_schema_whole(tmp_path: Path) -> None:
    path = tmp_path / "avatar.db"
    async with Database.open(path):
        pass
    before = dump(path)
    broken = Migration(len(MIGRATIONS) + 1, "broken", "CREATE TABLE half (id TEXT) STRICT; INSERT INTO nowhere;")
    with pytest.raises(sqlite3.Error):
        async with Database.open(path, migrations=(*MIGRATIONS, broken)):
            pass
    assert dump(path) == before
    async with Database.open(path) as database:
        version = await database.fetch_one("PRAGMA user_version")
        assert version is not None
        assert version[0] == len(MIGRATIONS)


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
