"""The table of what workers were seen to take."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from avatar_appliance.coordinator.measurement import Measurement

from .database import Database, Row

_COLUMNS = ("worker", "device", "fingerprint", "rest_bytes", "peak_bytes", "start_s", "samples", "measured_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM worker_measurements"  # noqa: S608 - our own names
_UPSERT = (
    f"INSERT INTO worker_measurements ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608
    "ON CONFLICT (worker, device) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[2:])
)


class MeasurementRepository:
    """At most one measurement per worker and device."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    async def all(self) -> Sequence[Measurement]:
        """Return every measurement, also those of workers that are configured otherwise now."""
        return [_read(row) for row in await self._database.fetch_all(f"{_SELECT} ORDER BY worker, device")]

    async def add(self, sample: Measurement) -> Measurement:
        """Merge a sample into what is known of the worker on that device; return what is known then."""
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch_all(
                f"{_SELECT} WHERE worker = ? AND device = ?",
                (sample.worker, sample.device),
            )
            known = _read(rows[0]).merged(sample) if rows else sample
            await transaction.execute(_UPSERT, [getattr(known, column) for column in _COLUMNS])
        return known


def read_measurements(database: Path) -> Sequence[Measurement]:
    """Return the measurements in a database file that a control plane may have open; () where there are none.

    For the command line: read-only, no migration, and a file that cannot be read is as good as none.
    """
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            connection.row_factory = sqlite3.Row
            return [_read(row) for row in connection.execute(f"{_SELECT} ORDER BY worker, device")]
    except sqlite3.Error:  # no file, a database from before this table, or not readable for this user
        return ()


def _read(row: Row) -> Measurement:
    return Measurement(**{column: row[column] for column in _COLUMNS})
