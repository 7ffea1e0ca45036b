"""Forgetting: turns and recordings older or larger than the owner wants to keep."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .audio_store import AudioStore
from .database import Database, Transaction
from .turn_rows import delete_turns, erase_traces

_DAY_S = 86_400.0
_ABANDONED_S = 3_600.0  # a turn "in progress" for longer than this has lost its server
_BATCH_ROWS = 200  # so that a large clean-up never keeps the writer from a running turn for long


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLimits:
    """What to keep; None means "without limit".

    `days`: turns, counted from their end; 0 keeps only what is in progress at the moment of a run.
    `audio_days`: recordings, when they should go earlier than the text; 0 likewise.
    `max_audio_bytes`: all recordings together; the oldest go first.
    """

    days: float | None = 30
    audio_days: float | None = None
    max_audio_bytes: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a negative limit."""
        limits = (self.days, self.audio_days, self.max_audio_bytes)
        if any(limit is not None and limit < 0 for limit in limits):
            raise ValueError("a retention limit cannot be negative")


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """What one run deleted; `audio_deleted` counts recordings, those of deleted turns included."""

    turns_deleted: int = 0
    audio_deleted: int = 0
    audio_bytes_freed: int = 0


class Retention:
    """Deletes rows and files beyond the limits whenever `run` is called."""

    def __init__(self, database: Database, audio: AudioStore, limits: RetentionLimits) -> None:
        """Use an open database and its audio folder."""
        self._database = database
        self._audio = audio
        self._limits = limits

    async def run(self, now: float) -> RetentionResult:
        """Delete what is beyond the limits at `now` (epoch seconds) and return what was done."""
        turns_deleted = audio_deleted = bytes_freed = 0
        if self._limits.days is not None:
            cutoff = now - self._limits.days * _DAY_S
            while batch := await self._delete_turns_before(cutoff):
                turn_count, files = batch
                turns_deleted += turn_count
                audio_deleted += len(files)
                bytes_freed += await self._audio.delete(files)
        if self._limits.audio_days is not None:
            cutoff = now - self._limits.audio_days * _DAY_S
            while files := await self._drop_audio("ended_at <= ?", (cutoff,)):
                audio_deleted += len(files)
                bytes_freed += await self._audio.delete(files)
        if self._limits.max_audio_bytes is not None:
            while files := await self._drop_audio_beyond(self._limits.max_audio_bytes):
                audio_deleted += len(files)
                bytes_freed += await self._audio.delete(files)
        if turns_deleted or audio_deleted:
            await erase_traces(self._database)
        return RetentionResult(turns_deleted, audio_deleted, bytes_freed)

    async def _delete_turns_before(self, cutoff: float) -> tuple[int, list[str]] | None:
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch_all(
                "SELECT id FROM turns "
                "WHERE (status <> 'in_progress' AND coalesce(ended_at, started_at) <= ?) OR "
                " (status = 'in_progress' AND started_at <= ?) ORDER BY started_at, id LIMIT ?",
                (cutoff, cutoff - _ABANDONED_S, _BATCH_ROWS),
            )
            files = await delete_turns(transaction, [row[0] for row in rows]) if rows else []
        return (len(rows), files) if rows else None

    async def _drop_audio_beyond(self, max_bytes: int) -> list[str]:
        """Keep the newest recordings that fit together; of the others drop the oldest first."""
        return await self._drop_audio(
            "id IN (SELECT id FROM ("
            "SELECT id, sum(audio_bytes) OVER (ORDER BY started_at DESC, id DESC) AS so_far "
            "FROM stages WHERE audio_file IS NOT NULL) WHERE so_far > ?)",
            (max_bytes,),
        )

    async def _drop_audio(self, condition: str, parameters: tuple[object, ...]) -> list[str]:
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch_all(
                f"SELECT id, audio_file FROM stages WHERE audio_file IS NOT NULL AND {condition} "  # noqa: S608
                "ORDER BY started_at, id LIMIT ?",
                (*parameters, _BATCH_ROWS),
            )
            await _clear_audio(transaction, [row["id"] for row in rows])
        return [row["audio_file"] for row in rows]


async def _clear_audio(transaction: Transaction, stage_ids: list[str]) -> None:
    if stage_ids:
        await transaction.execute(
            "UPDATE stages SET audio_file = NULL, audio_bytes = NULL, audio_s = NULL "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(stage_ids),),
        )
