"""The table of conversations; a row exists as long as a turn points at it."""

from __future__ import annotations

from avatar_appliance.errors import NotFound

from .database import Database, Row
from .page import Page, checked_limit, read_cursor, write_cursor
from .turn import Conversation
from .turn_repository import TurnRepository

_SELECT = """
    SELECT *, (SELECT count(*) FROM turns WHERE turns.conversation_id = conversations.id) AS turn_count
    FROM conversations
"""


class ConversationRepository:
    """Conversations in the database; `TurnRepository.save` makes them."""

    def __init__(self, database: Database, turns: TurnRepository) -> None:
        """Use an open database and the repository that deletes turns."""
        self._database = database
        self._turns = turns

    async def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Conversation]:
        """Return a page of conversations, the one spoken in last first; raises BadRequest."""
        after = "" if cursor is None else "WHERE (last_turn_at, id) < (?, ?)"
        rows = await self._database.fetch_all(
            f"{_SELECT} {after} ORDER BY last_turn_at DESC, id DESC LIMIT ?",
            [*(() if cursor is None else read_cursor(cursor)), checked_limit(limit) + 1],
        )
        items = tuple(_read(row) for row in rows[:limit])
        more = len(rows) > limit
        return Page(items, write_cursor(items[-1].last_turn_at, items[-1].id) if more else None)

    async def get(self, conversation_id: str) -> Conversation:
        """Return one conversation; raises NotFound."""
        row = await self._database.fetch_one(f"{_SELECT} WHERE id = ?", (conversation_id,))
        if row is None:
            raise NotFound("there is no such conversation")
        return _read(row)

    async def delete(self, conversation_id: str) -> int:
        """Delete it with all its turns and their audio files; returns how many turns. Raises NotFound."""
        return await self._turns.delete_conversation(conversation_id)


def _read(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        started_at=row["started_at"],
        last_turn_at=row["last_turn_at"],
        turn_count=row["turn_count"],
        language=row["language"],
        satellite_id=row["satellite_id"],
        device_id=row["device_id"],
    )
