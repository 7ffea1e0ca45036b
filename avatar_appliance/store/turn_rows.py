"""Turns and stages as table rows: the one place that knows the columns."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from .database import Database, Row, Transaction
from .turn import AudioFile, Stage, Turn

TURN_COLUMNS = (
    "id", "conversation_id", "satellite_id", "device_id", "started_at", "ended_at", "language", "speaker",
    "transcript", "answer", "status", "degraded", "error_code", "voice",
)  # fmt: skip
STAGE_COLUMNS = (
    "id", "parent_id", "kind", "connection_id", "link_id", "started_at", "first_output_at", "ended_at",
    "worker", "voice", "language", "speaker", "conversation_id", "satellite_id", "device_id", "text_in",
    "text_out", "error_code", "degraded",
)  # fmt: skip
_STAGE_EXTRA_COLUMNS = ("cancelled", "detail", "audio_file", "audio_s", "audio_bytes", "turn_id")


def _upsert(table: str, columns: Sequence[str]) -> str:
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column != "id")
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608
        f"ON CONFLICT (id) DO UPDATE SET {updates}"
    )


_UPSERT_TURN = _upsert("turns", TURN_COLUMNS)
_UPSERT_STAGE = _upsert("stages", STAGE_COLUMNS + _STAGE_EXTRA_COLUMNS)
_UPSERT_CONVERSATION = """
    INSERT INTO conversations (id, language, satellite_id, device_id, started_at, last_turn_at)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        language = coalesce(excluded.language, language),
        satellite_id = coalesce(excluded.satellite_id, satellite_id),
        device_id = coalesce(excluded.device_id, device_id),
        started_at = min(started_at, excluded.started_at),
        last_turn_at = max(last_turn_at, excluded.last_turn_at)
"""
_IN_IDS = "IN (SELECT value FROM json_each(?))"


async def write_turn(transaction: Transaction, turn: Turn) -> None:
    """Insert or update a turn, its conversation and its stages; stages of other turns move here."""
    if turn.conversation_id is not None:
        last_at = turn.started_at if turn.ended_at is None else turn.ended_at
        whose = (turn.conversation_id, turn.language, turn.satellite_id, turn.device_id)
        await transaction.execute(_UPSERT_CONVERSATION, (*whose, turn.started_at, last_at))
    await transaction.execute(_UPSERT_TURN, [getattr(turn, column) for column in TURN_COLUMNS])
    # Parents before their parts, for the foreign key.
    ordered = sorted(turn.stages, key=lambda stage: stage.parent_id is not None)
    await transaction.execute_many(_UPSERT_STAGE, [_stage_row(stage, turn.id) for stage in ordered])


def _stage_row(stage: Stage, turn_id: str) -> list[object]:
    audio = stage.audio
    row = [getattr(stage, column) for column in STAGE_COLUMNS]
    row += [int(stage.cancelled), json.dumps(dict(stage.detail), ensure_ascii=False)]
    row += [None, None, None] if audio is None else [audio.name, audio.duration_s, audio.size_bytes]
    return [*row, turn_id]


def read_turn(row: Row, stages: Sequence[Stage]) -> Turn:
    """Return the turn of a row of `turns`."""
    return Turn(**{column: row[column] for column in TURN_COLUMNS}, stages=tuple(stages))


def read_stage(row: Row) -> Stage:
    """Return the stage of a row of `stages`."""
    name, size_bytes = row["audio_file"], row["audio_bytes"]
    return Stage(
        **{column: row[column] for column in STAGE_COLUMNS},
        cancelled=bool(row["cancelled"]),
        detail=json.loads(row["detail"]),
        audio=None if name is None else AudioFile(name, size_bytes, row["audio_s"]),
    )


async def delete_turns(transaction: Transaction, turn_ids: Collection[str]) -> list[str]:
    """Delete turns with all that hangs on them and return the audio files that no row names any more.

    The caller deletes those files after the commit, so that a crash in between leaves no row without a
    file.
    """
    ids = json.dumps(list(turn_ids))
    files = await transaction.fetch_all(
        f"SELECT audio_file FROM stages WHERE audio_file IS NOT NULL AND turn_id {_IN_IDS}",  # noqa: S608
        (ids,),
    )
    conversations = await transaction.fetch_all(
        f"SELECT DISTINCT conversation_id FROM turns WHERE conversation_id IS NOT NULL AND id {_IN_IDS}",  # noqa: S608
        (ids,),
    )
    await transaction.execute(f"DELETE FROM turns WHERE id {_IN_IDS}", (ids,))  # noqa: S608
    await delete_empty_conversations(transaction, [row[0] for row in conversations])
    return [row[0] for row in files]


async def delete_empty_conversations(transaction: Transaction, conversation_ids: Collection[str]) -> None:
    """Delete those conversations that have no turn left."""
    await transaction.execute(
        f"DELETE FROM conversations WHERE id {_IN_IDS} "  # noqa: S608
        "AND NOT EXISTS (SELECT 1 FROM turns WHERE turns.conversation_id = conversations.id)",
        (json.dumps(list(conversation_ids)),),
    )


async def missing_turns(transaction: Transaction, turn_ids: Collection[str]) -> frozenset[str]:
    """Return those of `turn_ids` that have no row (any more)."""
    rows = await transaction.fetch_all(
        "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM turns)",
        (json.dumps(list(turn_ids)),),
    )
    return frozenset(row[0] for row in rows)


async def erase_traces(database: Database) -> None:
    """After a deletion: rewrite the search index, which only marks texts, and empty the write-ahead log."""
    async with database.transaction() as transaction:
        await transaction.execute("INSERT INTO turns_search (turns_search) VALUES ('optimize')")
    await database.reclaim()
