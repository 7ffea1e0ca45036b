"""Answers that are coming into being, so that a spoken "stop" can end them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

from .question import Question

Piece = TypeVar("Piece")


class RunningAnswer:
    """One answer; `stop` ends the work behind it at once, wherever it is."""

    def __init__(self, question: Question) -> None:
        self.stopped = False
        asker = question.asker
        self._places = {question.conversation_id, asker.satellite_id, asker.device_id} - {None, ""}
        self._waiting: asyncio.Timeout | None = None

    def is_heard_by(self, question: Question) -> bool:
        """Whether who asks `question` is who hears this answer: the same conversation, or the same device."""
        asker = question.asker
        return bool(self._places & {question.conversation_id, asker.satellite_id, asker.device_id})

    def stop(self) -> None:
        """End it: whoever waits for its next piece gets no more."""
        if self.stopped:
            return
        self.stopped = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def through(self, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """Yield the pieces as they come, until the end or until `stop`."""
        while not self.stopped:
            try:
                # A scope around each wait, and none around the yield: what our caller awaits is not ours to cancel.
                async with asyncio.timeout(None) as self._waiting:
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not self.stopped:
                    raise
                return
            finally:
                self._waiting = None
            yield piece


class RunningAnswers:
    """All answers of this server."""

    def __init__(self) -> None:
        self._running: set[RunningAnswer] = set()

    @contextlib.contextmanager
    def running(self, question: Question) -> Iterator[RunningAnswer]:
        """Have an answer be among them while the block runs."""
        answer = RunningAnswer(question)
        self._running.add(answer)
        try:
            yield answer
        finally:
            self._running.discard(answer)

    def stop(self, question: Question) -> int:
        """Stop what somebody hears who says stop; returns how many answers that were."""
        heard = [answer for answer in self._running if answer.is_heard_by(question)]
        for answer in heard:
            answer.stop()
        return len(heard)
