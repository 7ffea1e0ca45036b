"""Where a household comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .household import Household


class HouseholdSource(Protocol):
    """Knows the household and keeps knowing it.

    `household()` never waits: it is called in the middle of a turn.
    """

    def household(self) -> Household:
        """Return the newest snapshot; an empty one until the first is there."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether the states are those of this moment: a snapshot of a server that went away is no answer."""
        ...

    async def wait_until(self, holds: Callable[[Household], bool], timeout_s: float) -> bool:
        """Wait for a live snapshot for which `holds` is true; False if none came in time."""
        ...

    async def start(self) -> None:
        """Begin to follow the household; returns at once. May raise ConfigError."""
        ...

    async def close(self) -> None:
        """Stop following; nothing of it runs on."""
        ...
