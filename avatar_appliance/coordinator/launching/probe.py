"""A real probe: a small piece of the work a worker is there for. READY=1 alone proves a socket, not a model."""

from __future__ import annotations

import asyncio
from typing import Protocol

FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 1.0
MOST_REFUSALS = 3


class NotYet(Exception):
    """Nobody answers yet, or it says that it still loads, or has too much to do."""


class ProbeRefused(Exception):
    """It answered, and not with what it is there for; `text` is for people."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class WorkerProbe(Protocol):
    """Asks one worker for a small piece of real work."""

    async def check(self) -> None:
        """Return when it has done it; raises NotYet or ProbeRefused. Sets no deadline of its own."""
        ...


async def until_answered(probe: WorkerProbe) -> None:
    """Return when the worker has done a piece of real work.

    Raises ProbeRefused when it would not three times in a row: a first request may fail where later ones do not, and a
    broken model is not worth waiting for. The deadline is the caller's.
    """
    delay_s, refusals = FIRST_DELAY_S, 0
    while True:
        try:
            await probe.check()
            return
        except NotYet:
            refusals = 0
        except ProbeRefused:
            refusals += 1
            if refusals == MOST_REFUSALS:
                raise
        await asyncio.sleep(delay_s)
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)
