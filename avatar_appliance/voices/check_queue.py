"""Profiles waiting for their check: one at a time, each at most once, so the queue is as long as the list at most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect

_LOGGER = logging.getLogger(__name__)


class CheckQueue:
    """Checks profiles in the order they came. What waits survives a restart: it is what the rows say is unfinished."""

    def __init__(self, check: Callable[[str], Awaitable[None]]) -> None:
        self._check = check
        self._waiting: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._current: tuple[str, asyncio.Task[None]] | None = None

    def add(self, profile_id: str) -> None:
        """Have a profile checked; one that is being checked is begun again, since it changed."""
        self._drop_current(profile_id)
        self._waiting[profile_id] = None
        self._changed.set()

    def discard(self, profile_id: str) -> None:
        """Forget a profile."""
        self._drop_current(profile_id)
        self._waiting.pop(profile_id, None)

    async def run(self) -> None:
        """Check for ever."""
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            profile_id = next(iter(self._waiting))
            del self._waiting[profile_id]
            task = asyncio.create_task(self._one(profile_id), name="check of a voice")
            self._current = (profile_id, task)
            try:
                await asyncio.wait([task])
            finally:
                self._current = None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _drop_current(self, profile_id: str) -> None:
        if self._current is not None and self._current[0] == profile_id:
            self._current[1].cancel()

    async def _one(self, profile_id: str) -> None:
        try:
            await self._check(profile_id)
        except AvatarError as error:
            _LOGGER.warning("the check of a voice ended early: %s (%s)", error.text, error.code)
        except Exception as error:  # noqa: BLE001 - the others must be checked all the same
            log_defect(_LOGGER, "defect in the check of a voice", error)
