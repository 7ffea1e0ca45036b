"""Numbered migrations (`migrations/0001_*.sql`), each applied once and in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

import aiosqlite

from .errors import DatabaseTooNew, translated

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: the version it leads to and its SQL script."""

    version: int
    name: str
    sql: str


def load_migrations() -> tuple[Migration, ...]:
    """Return the migrations shipped with this package, numbered 1, 2, 3 without a gap."""
    found = []
    for file in files(__package__).joinpath("migrations").iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), file.name, file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    if not found or [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise RuntimeError("the schema migrations of this installation are incomplete; install it again")
    return tuple(found)


async def schema_version(connection: aiosqlite.Connection) -> int:
    """Return the version the database file is at (0: empty)."""
    with translated():
        rows = await connection.execute_fetchall("PRAGMA user_version")
    return int(next(iter(rows))[0])


async def migrate(connection: aiosqlite.Connection, migrations: tuple[Migration, ...]) -> int:
    """Bring the database to the newest version and return the one it had; raises DatabaseTooNew."""
    current = await schema_version(connection)
    newest = migrations[-1].version
    if current > newest:
        raise DatabaseTooNew(f"the database has schema version {current}, this version of the appliance knows {newest}")
    for migration in migrations[current:]:
        # The version number changes inside the same transaction: a crash leaves the old schema whole.
        script = f"BEGIN IMMEDIATE;\n{migration.sql}\nPRAGMA user_version = {migration.version};\nCOMMIT;"
        try:
            with translated():
                await connection.executescript(script)
        except BaseException:
            await connection.rollback()
            raise
    return current
