"""At start: bring rows and audio files together again after a crash, a restore or a hand in the folder."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from .audio_store import AudioStore
from .database import Database

_log = logging.getLogger(__name__)

_SUSPICIOUS_ROWS = 10


@dataclass(frozen=True, slots=True)
class SweepResult:
    """How many files no row pointed at were deleted, and how many rows lost a pointer to a missing file."""

    files_deleted: int
    rows_cleared: int


async def sweep_audio(database: Database, audio: AudioStore) -> SweepResult:
    """Delete orphaned files and clear dangling pointers; call it before anything writes.

    Two cases look like a lost half of the store: a fresh database beside a full folder, and ten or more
    rows without a single file, as when the disk is not mounted. Then nothing is touched and the log says
    so.
    """
    await audio.delete_unfinished()
    present = await audio.names()
    rows = await database.fetch_all("SELECT audio_file FROM stages WHERE audio_file IS NOT NULL")
    known = frozenset(row[0] for row in rows)
    lost_database = database.created and bool(present)
    lost_folder = len(known) >= _SUSPICIOUS_ROWS and not known & present
    if lost_database or lost_folder:
        _log.warning(
            "the audio folder (%d files) and the database (%d recordings) do not match; nothing was swept",
            len(present), len(known),
        )  # fmt: skip
        return SweepResult(0, 0)
    orphans = present - known
    await audio.delete(orphans)
    dangling = known - present
    if dangling:
        async with database.transaction() as transaction:
            await transaction.execute(
                "UPDATE stages SET audio_file = NULL, audio_bytes = NULL, audio_s = NULL "
                "WHERE audio_file IN (SELECT value FROM json_each(?))",
                (json.dumps(list(dangling)),),
            )
    return SweepResult(len(orphans), len(dangling))
