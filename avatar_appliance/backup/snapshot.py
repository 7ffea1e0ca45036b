"""A consistent copy of a SQLite database that somebody may be writing to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from avatar_appliance.store.errors import DatabaseDamaged, translated

_PAGES = 4096
_BUSY_S = 30.0


def snapshot(source: Path, target: Path, on_pages: Callable[[int, int], None] | None = None) -> int:
    """Copy `source` to `target`, a new file without a write-ahead log, and return its schema version.

    By SQLite's online backup: the copy is the database as it was at one moment, whatever is written meanwhile.
    `on_pages` hears pages done and pages in all. Raises DatabaseDamaged where the copy is not healthy, DatabaseBusy,
    DiskFull, StoreUnavailable.
    """

    def tell(_status: int, remaining: int, total: int) -> None:
        if on_pages is not None:
            on_pages(total - remaining, total)

    with (
        translated(),
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as live,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # An open read holds the moment: without it a write between two steps would begin the copy anew.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        live.backup(copy, pages=_PAGES, progress=tell)
        live.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        if copy.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise DatabaseDamaged(f"{source.name} is damaged: its copy does not pass SQLite's quick_check")
        return int(copy.execute("PRAGMA user_version").fetchone()[0])
