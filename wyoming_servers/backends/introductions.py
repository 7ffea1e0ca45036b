"""Has each worker up once, so that it can tell its voices: Home Assistant offers nobody who was never heard of."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from .watch import WorkerWatch
from .worker_access import WorkerAccess

_LOGGER = logging.getLogger(__name__)

# First comes what is preloaded, and whoever speaks in the first minute.
QUIET_S = 60.0
# How long one may take to come up and answer, and the pause until it is tried again.
INTRODUCTION_S = 120.0
AGAIN_S = 600.0


class Introductions:
    """For workers that are loaded on demand only. One at a time; once heard, an offer is remembered on disk."""

    def __init__(self, watch: WorkerWatch, access: WorkerAccess) -> None:
        self._watch = watch
        self._access = access

    async def run(self) -> None:
        """Introduce until everybody is known; returns then."""
        await asyncio.sleep(QUIET_S)
        while not self._watch.all_known:
            for worker in self._watch.unknown:
                await self._introduce(worker)
            if not self._watch.all_known:
                await asyncio.sleep(AGAIN_S)

    async def _introduce(self, worker: str) -> None:
        async with self._access.brought_up([worker]):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INTRODUCTION_S):
                    await self._watch.wait_until(lambda: worker not in self._watch.unknown)
        if worker not in self._watch.unknown:
            _LOGGER.info("worker %s has told what it offers", worker)
