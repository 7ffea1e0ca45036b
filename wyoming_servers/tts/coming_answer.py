"""An answer whose speech is made while it is still being written."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from avatar_appliance.errors import AvatarError
from wyoming_servers.text import SpeakableStream

from .recording import Recording, RecordingState
from .voice import Voice

MOST_AHEAD_S: Final = 20.0
"""Sound that is made before anybody asks for it; then it waits for somebody to."""


class ComingAnswer:
    """Takes text as it streams, makes its pieces one after the other, and stops when told."""

    def __init__(
        self,
        name: str,
        places: tuple[str, ...],
        speakable: SpeakableStream,
        voice_for: Callable[[str], Voice],
        make: Callable[[Recording], Awaitable[None]],
        rate_hz: int,
    ) -> None:
        """`voice_for` chooses who speaks a piece; `make` has it spoken, and raises AvatarError where it cannot be."""
        self.name = name
        self.places = places
        self.text = ""
        self.recordings: list[Recording] = []
        self.called_off = False
        self._speakable = speakable
        self._voice_for = voice_for
        self._make = make
        self._most_bytes = int(2 * rate_hz * MOST_AHEAD_S)
        self._waiting: deque[Recording] = deque()
        self._complete = False
        self._changed = asyncio.Event()
        self._making: tuple[Recording, asyncio.Task[None]] | None = None
        self._task = asyncio.create_task(self._run(), name="speech ahead of time")

    @property
    def is_claimed(self) -> bool:
        """Whether somebody asked for some of it."""
        return any(recording.claimed for recording in self.recordings)

    @property
    def computes_on(self) -> str | None:
        """The worker that speaks for it now, where nobody asked for that yet."""
        if self._making is None or self._making[0].claimed or self._making[0].state is not RecordingState.RUNNING:
            return None
        return self._making[0].voice.worker

    def is_spoken_otherwise_than(self, voice: Voice) -> bool:
        """Whether its first piece is another person's, or in another built-in voice."""
        if not self.recordings:
            return False
        own = self.recordings[0].voice
        return own.profile != voice.profile if voice.profile is not None else own.identity != voice.identity

    def shared_chars(self, text: str) -> int:
        """Return how many characters it and a text have in common, as far as both have come; 0 where they differ."""
        own, other = self.text.strip(), text.strip()
        shorter = min(len(own), len(other))
        return shorter if own[:shorter] == other[:shorter] else 0

    def add(self, text: str) -> list[Recording]:
        """Take more text; return the recordings that will be made of it. Raises AvatarError where nobody speaks."""
        self.text += text
        return self._plan(self._speakable.feed(text))

    def complete(self) -> list[Recording]:
        """Say that the text is complete; returns and raises as `add` does."""
        self._complete = True
        return self._plan(self._speakable.flush())

    def withdraw(self, recording: Recording) -> None:
        """Leave a piece that no engine works on yet to somebody else."""
        with contextlib.suppress(ValueError):
            self._waiting.remove(recording)
        if self._making is not None and self._making[0] is recording:
            self._making[1].cancel()
        self._changed.set()

    def claim(self, recording: Recording) -> None:
        """Say that somebody waits for a recording."""
        recording.claim()
        self._changed.set()

    def call_off(self, *, claimed_too: bool = False) -> None:
        """Make no more of it; what somebody listens to is still completed unless they went away."""
        self.called_off = self._complete = True
        self._waiting.clear()
        if self._making is not None and (claimed_too or not self._making[0].claimed):
            self._making[1].cancel()
        self._changed.set()

    async def ended(self) -> None:
        """Wait until it makes nothing more; raises what went wrong that has no name."""
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def aclose(self) -> None:
        """End everything at once."""
        self.call_off(claimed_too=True)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _plan(self, pieces: list[str]) -> list[Recording]:
        fresh = [Recording(piece, self._voice_for(piece)) for piece in pieces] if not self.called_off else []
        self.recordings += fresh
        self._waiting += fresh
        self._changed.set()
        return fresh

    async def _run(self) -> None:
        while not (self._complete and not self._waiting):
            if not self._waiting or self._unclaimed_bytes() > self._most_bytes:
                self._changed.clear()
                await self._changed.wait()
                continue
            await self._make_one(self._waiting.popleft())

    async def _make_one(self, recording: Recording) -> None:
        task = asyncio.ensure_future(self._make(recording))
        self._making = recording, task
        try:
            await asyncio.wait({task})
        finally:
            self._making = None
            task.cancel()
            [outcome] = await asyncio.gather(task, return_exceptions=True)
            recording.end(complete=False)  # nothing, where it is complete
        if isinstance(outcome, AvatarError):
            self.call_off()  # whoever asks for it will try the whole ladder
        elif isinstance(outcome, Exception):
            raise outcome

    def _unclaimed_bytes(self) -> int:
        return sum(recording.size_bytes for recording in self.recordings if not recording.claimed)
