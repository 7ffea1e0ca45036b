"""The table of turns: list, search, get, save, delete."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence

from avatar_appliance.errors import NotFound

from .audio_store import AudioStore
from .database import Database, Row
from .page import Page, checked_limit, read_cursor, write_cursor
from .turn import Stage, Turn
from .turn_filter import TurnFilter
from .turn_rows import (
    delete_empty_conversations,
    delete_turns,
    erase_traces,
    missing_turns,
    read_stage,
    read_turn,
    write_turn,
)

_MAX_REOPENED = 2000


class TurnRepository:
    """Turns in the database, with their stages; deleting one deletes its audio files too."""

    def __init__(self, database: Database, audio: AudioStore) -> None:
        """Use an open database and the folder its rows point into."""
        self._database = database
        self._audio = audio

    async def list(self, wanted: TurnFilter | None = None, *, limit: int = 50, cursor: str | None = None) -> Page[Turn]:
        """Return a page of turns, newest first; raises BadRequest for a bad limit, cursor or search."""
        conditions, parameters = (wanted or TurnFilter()).where()
        if cursor is not None:
            conditions.append("(started_at, id) < (?, ?)")
            parameters += read_cursor(cursor)
        where = " AND ".join(conditions) or "TRUE"
        rows = await self._database.fetch_all(
            f"SELECT * FROM turns WHERE {where} ORDER BY started_at DESC, id DESC LIMIT ?",  # noqa: S608
            [*parameters, checked_limit(limit) + 1],
        )
        turns = await self._with_stages(rows[:limit])
        more = len(rows) > limit
        return Page(tuple(turns), write_cursor(turns[-1].started_at, turns[-1].id) if more else None)

    async def get(self, turn_id: str) -> Turn:
        """Return one turn; raises NotFound."""
        row = await self._database.fetch_one("SELECT * FROM turns WHERE id = ?", (turn_id,))
        if row is None:
            raise NotFound("there is no such turn")
        return (await self._with_stages([row]))[0]

    async def open_since(self, since: float) -> Sequence[Turn]:
        """Return the turns (at most 2000) that ended at or after `since` or not at all, oldest first."""
        rows = await self._database.fetch_all(
            "SELECT * FROM (SELECT * FROM turns WHERE status = 'in_progress' OR ended_at >= ? "
            "ORDER BY started_at DESC, id DESC LIMIT ?) ORDER BY started_at, id",
            (since, _MAX_REOPENED),
        )
        return await self._with_stages(rows)

    async def save(
        self, turns: Sequence[Turn], *, new: Collection[str] = (), merged: Collection[str] = ()
    ) -> frozenset[str]:
        """Write turns and delete those `merged` into them, all or nothing.

        `new` names the turns not stored before. If one of the others has been deleted meanwhile, nothing is
        written and the deleted ones are returned: a late report must not bring a deleted turn back.
        """
        async with self._database.transaction() as transaction:
            expected = {turn.id for turn in turns}.difference(new).union(merged)
            gone = await missing_turns(transaction, expected)
            if gone:
                return gone
            for turn in turns:
                await write_turn(transaction, turn)
            if merged:
                # Their stages have moved by now, so no audio file goes with them.
                await delete_turns(transaction, merged)
        return frozenset()

    async def delete(self, turn_id: str) -> None:
        """Delete a turn with its stages, its audio files and, if it was the last one, its conversation.

        Raises NotFound.
        """
        async with self._database.transaction() as transaction:
            if await missing_turns(transaction, [turn_id]):
                raise NotFound("there is no such turn")
            files = await delete_turns(transaction, [turn_id])
        await self._audio.delete(files)
        await erase_traces(self._database)

    async def delete_conversation(self, conversation_id: str) -> int:
        """Delete a conversation with all its turns and their audio; returns how many. Raises NotFound."""
        async with self._database.transaction() as transaction:
            key = (conversation_id,)
            if not await transaction.fetch_all("SELECT 1 FROM conversations WHERE id = ?", key):
                raise NotFound("there is no such conversation")
            rows = await transaction.fetch_all("SELECT id FROM turns WHERE conversation_id = ?", key)
            files = await delete_turns(transaction, [row[0] for row in rows])
            await delete_empty_conversations(transaction, [conversation_id])
        await self._audio.delete(files)
        await erase_traces(self._database)
        return len(rows)

    async def _with_stages(self, rows: Sequence[Row]) -> Sequence[Turn]:
        stages: dict[str, list[Stage]] = defaultdict(list)
        for row in await self._database.fetch_all(
            "SELECT * FROM stages WHERE turn_id IN (SELECT value FROM json_each(?)) ORDER BY started_at, id",
            (json.dumps([row["id"] for row in rows]),),
        ):
            stages[row["turn_id"]].append(read_stage(row))
        return [read_turn(row, stages[row["id"]]) for row in rows]
