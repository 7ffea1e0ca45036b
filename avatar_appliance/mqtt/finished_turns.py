"""Which turns are over: nobody says so, for the next stage of a turn may still come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from avatar_appliance.store import Turn
from avatar_appliance.turns import TurnsChanged

SETTLE_S = 2.0
"""After the last stage ended. Home Assistant begins the next one within tenths of a second."""
MAX_WAITING = 64


class FinishedTurns:
    """Calls `finished` with each turn of which nothing has been heard for `settle_s` since its last stage ended.

    One that goes on after all is told again when it is over anew. Use it in a running event loop; close it.
    """

    def __init__(self, finished: Callable[[Turn], None], settle_s: float = SETTLE_S) -> None:
        self._finished = finished
        self._settle_s = settle_s
        self._waiting: dict[str, tuple[Turn, asyncio.TimerHandle]] = {}
        self._told: dict[str, float | None] = {}

    def changed(self, change: TurnsChanged) -> None:
        """Take turns as they are now."""
        for turn_id in change.removed:
            self._forget(turn_id)
        for turn in change.saved:
            self._forget(turn.id)
            if turn.status != "in_progress" and self._told.get(turn.id, 0.0) != turn.ended_at:
                timer = asyncio.get_running_loop().call_later(self._settle_s, self._over, turn.id)
                self._waiting[turn.id] = turn, timer
                if len(self._waiting) > MAX_WAITING:  # whoever waits longest has heard nothing for longest
                    self._over(next(iter(self._waiting)))

    def close(self) -> None:
        """Tell of nothing any more."""
        for turn_id in tuple(self._waiting):
            self._forget(turn_id)

    def _over(self, turn_id: str) -> None:
        turn, timer = self._waiting.pop(turn_id)
        timer.cancel()
        self._told[turn_id] = turn.ended_at
        if len(self._told) > MAX_WAITING:
            del self._told[next(iter(self._told))]
        self._finished(turn)

    def _forget(self, turn_id: str) -> None:
        if (waiting := self._waiting.pop(turn_id, None)) is not None:
            waiting[1].cancel()
