"""Delete many turns at once: "everything this satellite heard", "everything I said", "all of last week"."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from avatar_appliance.store import Store, TurnFilter
from avatar_appliance.store.turn_rows import delete_turns, erase_traces

_log = logging.getLogger(__name__)

_BATCH_ROWS = 200  # so that a large deletion never keeps the writer from a running turn for long


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSelection:
    """Turns that meet every condition given, and at least one is given; times in epoch seconds as in TurnFilter."""

    satellite_id: str | None = None
    speaker: str | None = None
    since: float | None = None
    until: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no condition is given, which would be all turns there are."""
        return (self.satellite_id, self.speaker, self.since, self.until) == (None,) * 4

    def where(self) -> tuple[str, list[object]]:
        """Return a WHERE clause over `turns` and its parameters; raises ValueError when empty."""
        if self.is_empty:
            raise ValueError("a selection without a condition would be everything")
        conditions, parameters = TurnFilter(satellite_id=self.satellite_id, since=self.since, until=self.until).where()
        if self.speaker is not None:
            conditions.append("speaker = ?")
            parameters.append(self.speaker)
        return " AND ".join(conditions), parameters


class TurnDeletion:
    """Deletes the turns of a selection with their recordings."""

    def __init__(self, store: Store) -> None:
        """Work on `store`."""
        self._store = store

    async def count(self, selection: TurnSelection) -> int:
        """Return how many turns the selection has now."""
        where, parameters = selection.where()
        row = await self._store.database.fetch_one(f"SELECT count(*) FROM turns WHERE {where}", parameters)  # noqa: S608
        assert row is not None
        return int(row[0])

    async def delete(self, selection: TurnSelection) -> int:
        """Delete them, their audio files and conversations without turns; returns how many turns."""
        deleted = 0
        while batch := await self._delete_batch(selection):
            deleted += batch
        if deleted:
            await erase_traces(self._store.database)
        _log.info("%d turns were deleted through the HTTP API", deleted)
        return deleted

    async def _delete_batch(self, selection: TurnSelection) -> int:
        where, parameters = selection.where()
        async with self._store.database.transaction() as transaction:
            rows = await transaction.fetch_all(
                f"SELECT id FROM turns WHERE {where} ORDER BY started_at, id LIMIT ?",  # noqa: S608
                [*parameters, _BATCH_ROWS],
            )
            files = await delete_turns(transaction, [row[0] for row in rows])
        await self._store.audio.delete(files)
        return len(rows)
