"""Find a turn in the history once it is there: only the history knows who answered."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from avatar_appliance.store import StageKind, Turn
from avatar_appliance.turns.turn_feed import TurnStream

PATIENCE_S: Final = 2.0
"""Stages are reported right after their end."""


async def recorded(
    changes: TurnStream,
    conversation_id: str,
    since: float,
    stages: Collection[StageKind],
    patience_s: float = PATIENCE_S,
) -> Turn | None:
    """Return the turn of a conversation that began after `since` (epoch seconds) and has all `stages`, ended.

    What is there when patience ends, or None.
    """
    found: Turn | None = None
    try:
        async with asyncio.timeout(patience_s):
            async for change in changes:
                for turn in change.saved:
                    if turn.conversation_id != conversation_id or turn.started_at < since:
                        continue
                    ended = {stage.kind for stage in turn.stages if stage.ended_at is not None}
                    if ended.issuperset(stages):
                        return turn
                    if found is None or len(turn.stages) >= len(found.stages):
                        found = turn
    except TimeoutError:
        pass
    return found
