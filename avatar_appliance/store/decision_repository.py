"""The table of decisions: bounded by number and by age."""

from __future__ import annotations

import json
from collections.abc import Sequence

from avatar_appliance.errors import BadRequest

from .database import Database, Row
from .decision_record import DecisionRecord
from .page import Page, checked_limit, read_cursor, write_cursor

_DAY_S = 86_400.0
_INSERT = "INSERT INTO decisions (at, kind, worker, device, lease_id, text, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"


class DecisionRepository:
    """Decisions in the database, newest first."""

    def __init__(self, database: Database, *, max_rows: int = 20_000, days: float = 30) -> None:
        """Use an open database; keep the newest `max_rows` of the last `days`."""
        self._database = database
        self._max_rows = max_rows
        self._days = days

    async def add(self, records: Sequence[DecisionRecord]) -> None:
        """Keep records, in the order they were decided, and forget what is beyond the bounds."""
        if not records:
            return
        newest_at = max(record.at for record in records)
        async with self._database.transaction() as transaction:
            await transaction.execute_many(_INSERT, [_row(record) for record in records])
            await transaction.execute(
                "DELETE FROM decisions WHERE seq <= (SELECT max(seq) FROM decisions) - ?", (self._max_rows,)
            )
            await transaction.execute("DELETE FROM decisions WHERE at < ?", (newest_at - self._days * _DAY_S,))

    async def list(
        self, *, worker: str | None = None, kind: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DecisionRecord]:
        """Return a page of decisions, newest first; raises BadRequest for a bad limit or cursor."""
        conditions, parameters = ["TRUE"], list[object]()
        for condition, value in (("worker = ?", worker), ("kind = ?", kind), ("seq < ?", _after(cursor))):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)
        rows = await self._database.fetch_all(
            f"SELECT * FROM decisions WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ?",  # noqa: S608
            [*parameters, checked_limit(limit) + 1],
        )
        items = tuple(_read(row) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(items, None if last is None else write_cursor(last["at"], str(last["seq"])))


def _after(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    _, seq = read_cursor(cursor)
    if not (seq.isascii() and seq.isdecimal() and len(seq) < 19):
        raise BadRequest("this page cursor is not one of ours", hint="Start again from the first page.")
    return int(seq)


def _row(record: DecisionRecord) -> tuple[object, ...]:
    detail = json.dumps(dict(record.detail), ensure_ascii=False, default=str)
    return record.at, record.kind, record.worker, record.device, record.lease_id, record.text, detail


def _read(row: Row) -> DecisionRecord:
    return DecisionRecord(
        at=row["at"],
        kind=row["kind"],
        text=row["text"],
        worker=row["worker"],
        device=row["device"],
        lease_id=row["lease_id"],
        detail=json.loads(row["detail"]),
    )
