"""One piece of speech that is made ahead of time, and listened to while it is made."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from enum import Enum

from avatar_appliance.errors import WorkerFailed
from avatar_appliance.leases import Urgency

from .speech_cache import PieceKey
from .voice import Voice


class RecordingState(Enum):
    """Where a recording is."""

    WAITING = "waiting"
    """No engine works on it yet."""
    RUNNING = "running"
    DONE = "done"
    BROKEN = "broken"


class Recording:
    """The sound of one piece; who claimed it hears all of it, from the beginning, once: what was heard is not kept."""

    def __init__(self, text: str, voice: Voice) -> None:
        self.text = text
        self.voice = voice
        self.key = PieceKey.of(text, voice)
        self.state = RecordingState.WAITING
        self.claimed = False
        self.size_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._changed = asyncio.Event()
        self._hurry: Callable[[Urgency], None] = lambda _: None

    def run(self, hurry: Callable[[Urgency], None]) -> None:
        """Say that an engine works on it from now on; `hurry` tells how urgently it is wanted."""
        self.state, self._hurry = RecordingState.RUNNING, hurry

    def add(self, pcm: bytes) -> None:
        """Take the sound that came next."""
        self._pieces.append(pcm)
        self.size_bytes += len(pcm)
        self._changed.set()

    def end(self, *, complete: bool) -> None:
        """Say that there is no more; a second time does nothing."""
        if self.state in (RecordingState.DONE, RecordingState.BROKEN):
            return
        self.state = RecordingState.DONE if complete else RecordingState.BROKEN
        self._hurry = lambda _: None
        self._changed.set()

    def claim(self) -> None:
        """Say that somebody waits for it."""
        self.claimed = True

    def set_urgency(self, urgency: Urgency) -> None:
        """Say how urgently it is wanted now."""
        self._hurry(urgency)

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Yield the sound from its beginning; raises WorkerFailed where it breaks off."""
        while True:
            while self._pieces:
                yield self._pieces.popleft()
            if self.state is RecordingState.DONE:
                return
            if self.state is RecordingState.BROKEN:
                raise WorkerFailed("speech made ahead of time broke off")
            self._changed.clear()
            await self._changed.wait()
