"""From a stage, as its report names it, to what the history knows of its turn."""

from __future__ import annotations

from collections.abc import Sequence

from avatar_appliance.facts import Origin

from .database import Database, Row

_TURN_OF = "SELECT turn_id FROM stages WHERE connection_id = ? AND started_at = ? AND kind = 'think'"
# So far back it is looked whether anybody's voice is recognised in this house at all.
_RECENT = 20


class StageLookup:
    """Queries only; the joiner says what belongs together."""

    def __init__(self, database: Database) -> None:
        """Use an open database."""
        self._database = database

    async def speaker(self, origin: Origin) -> tuple[bool, str | None]:
        """Return whether the history has the turn of a think stage by now, and who speaks in it."""
        row = await self._database.fetch_one(
            f"SELECT speaker FROM turns WHERE id = ({_TURN_OF})",  # noqa: S608
            (origin.connection_id, origin.started_at),
        )
        return row is not None, None if row is None else row["speaker"]

    async def hears_speakers(self) -> bool:
        """Return whether a voice was recognised lately: else waiting for a speaker is waiting for nothing."""
        row = await self._database.fetch_one(
            "SELECT count(*) FROM stages WHERE kind = 'transcribe' AND speaker IS NOT NULL "
            "AND turn_id IN (SELECT id FROM turns ORDER BY started_at DESC, id DESC LIMIT ?)",
            (_RECENT,),
        )
        return row is not None and bool(row[0])

    async def spoken(self, origin: Origin) -> Sequence[Row]:
        """Return the speak stages of a think stage's turn, in order: text_in, times, cancelled."""
        return await self._database.fetch_all(
            "SELECT text_in, first_output_at, ended_at, cancelled FROM stages "  # noqa: S608
            f"WHERE kind = 'speak' AND turn_id = ({_TURN_OF}) ORDER BY started_at, id",
            (origin.connection_id, origin.started_at),
        )
