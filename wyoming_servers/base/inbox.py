"""The bounded queue between a connection's reader and its job."""

from __future__ import annotations

import asyncio
from collections import deque

from wyoming.event import Event

from avatar_appliance.errors import DeadlineExceeded

# Memory one connection may hold in events that its job has not taken yet.
MAX_QUEUED_BYTES = 4 * 2**20
# Every event costs this much at least, so that a flood of empty ones is bounded too.
EVENT_OVERHEAD_BYTES = 512


class Inbox:
    """Events in order of arrival; `put` waits while too many bytes are queued (back-pressure to the socket)."""

    def __init__(self, max_queued_bytes: int = MAX_QUEUED_BYTES) -> None:
        self.queued_bytes = 0
        """Memory held: below the limit, or one event above it."""
        self._events: deque[tuple[Event, int]] = deque()
        self._max_queued_bytes = max_queued_bytes
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __bool__(self) -> bool:
        return bool(self._events)

    async def put(self, event: Event, size_bytes: int) -> None:
        """Queue `event`, waiting for room first."""
        await self._room.wait()
        size_bytes += EVENT_OVERHEAD_BYTES
        self._events.append((event, size_bytes))
        self.queued_bytes += size_bytes
        if self.queued_bytes >= self._max_queued_bytes:
            self._room.clear()
        self._arrived.set()

    async def get(self, timeout_s: float | None = None) -> Event:
        """Return the next event; raises DeadlineExceeded when none comes within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._events:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise DeadlineExceeded(f"nothing came for {timeout_s:g} s in the middle of a request") from None
        event, size_bytes = self._events.popleft()
        self.queued_bytes -= size_bytes
        if self.queued_bytes < self._max_queued_bytes:
            self._room.set()
        return event
