"""The sound of a spoken question, on its way from a browser to the speech-to-text server."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from avatar_appliance.errors import AudioTooLong, BadRequest, DeadlineExceeded

from .errors import SoundMissing

WIDTH_BYTES: Final = 2
MOST_SPEECH_S: Final = 45.0
"""The speech-to-text server ends a command after 30 s."""
STALL_S: Final = 10.0
"""Without a piece for this long, the browser is gone."""


class Utterance:
    """Takes 16-bit mono PCM in pieces; one task reads them. Never more than `MOST_SPEECH_S` of it."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._most_bytes = int(MOST_SPEECH_S * rate_hz) * WIDTH_BYTES
        self._taken_bytes = 0
        self._waiting: deque[bytes] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self._closed = False

    def add(self, pcm: bytes, position: int) -> None:
        """Take the piece that begins at byte `position`; one that was taken before is ignored, and so is any once over.

        Raises SoundMissing for a gap, AudioTooLong, BadRequest for half a sample.
        """
        if self._ended or self._closed:
            return
        if position + len(pcm) <= self._taken_bytes:
            return
        if position != self._taken_bytes:
            raise SoundMissing(f"the piece begins at byte {position}, the next one would be {self._taken_bytes}")
        if len(pcm) % WIDTH_BYTES:
            raise BadRequest("half a sample", hint="Send 16-bit samples.")
        if self._taken_bytes + len(pcm) > self._most_bytes:
            self.end()
            raise AudioTooLong(f"more than {MOST_SPEECH_S:g} s of speech", hint="Ask in fewer words.")
        self._taken_bytes += len(pcm)
        self._waiting.append(pcm)
        self._changed.set()

    def end(self) -> None:
        """Say that this was all."""
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        """Say that nobody listens any more."""
        self._closed = True
        self._waiting.clear()
        self._changed.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the pieces as they come; raises DeadlineExceeded when none comes for too long."""
        while not self._closed:
            while self._waiting:
                yield self._waiting.popleft()
            if self._ended or self._closed:
                return
            self._changed.clear()
            try:
                async with asyncio.timeout(STALL_S):
                    await self._changed.wait()
            except TimeoutError:
                raise DeadlineExceeded(f"no sound came for {STALL_S:g} s") from None
