"""The text of one request on its way from the client to the speaker."""

from __future__ import annotations

import asyncio
from collections import deque

from avatar_appliance.errors import AvatarError, TextTooLong
from wyoming_servers.own_voice.mark import MarkReader
from wyoming_servers.text import SpeakableStream


class TextFeed:
    """Takes text as it comes and gives out speakable pieces; one side reads while the other speaks."""

    def __init__(self, speakable: SpeakableStream, max_chars: int) -> None:
        self.whole = ""
        """The text so far, as it came but for marks."""
        self._marks = MarkReader()
        self._speakable = speakable
        self._max_chars = max_chars
        self._pieces: deque[str] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self._error: AvatarError | None = None

    @property
    def utterance(self) -> str | None:
        """Id of the utterance that it answers, where a mark in it says so."""
        return self._marks.utterance

    def add(self, chunk: str) -> None:
        """Take a chunk, cut anywhere; raises TextTooLong when it gets too much."""
        chunk = self._marks.feed(chunk)
        if len(self.whole) + len(chunk) > self._max_chars:
            raise TextTooLong(f"more than {self._max_chars} characters")
        self.whole += chunk
        self._give(self._speakable.feed(chunk))

    def end(self) -> None:
        """Say that the text is complete."""
        self._ended = True
        self._give(self._speakable.flush())

    def fail(self, error: AvatarError) -> None:
        """Say that there will be no more; `next` raises `error`, whatever is still unspoken."""
        self._error = error
        self._changed.set()

    async def next(self) -> str | None:
        """Return the next piece to speak, or None after the last."""
        while True:
            if self._error is not None:
                raise self._error
            if self._pieces:
                return self._pieces.popleft()
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()

    def _give(self, pieces: list[str]) -> None:
        self._pieces += pieces
        self._changed.set()
