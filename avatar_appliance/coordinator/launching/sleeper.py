"""Giving most memory back without ending: what a worker must be able to do that can sleep."""

from __future__ import annotations

from typing import Protocol


class SleepRefused(Exception):
    """It would not sleep, or would not wake; `text` is for people. It is as it was before."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Sleeper(Protocol):
    """Puts one worker to sleep and wakes it."""

    async def sleep(self) -> None:
        """Return when its memory is given back; requests that run are waited for. Raises SleepRefused."""
        ...

    async def wake(self) -> None:
        """Return when its memory is taken again; raises SleepRefused, and then it can be tried once more."""
        ...

    async def is_sleeping(self) -> bool:
        """Return whether it sleeps; raises SleepRefused when it does not say."""
        ...
