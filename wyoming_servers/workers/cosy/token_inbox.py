"""Speech tokens on their way from the language model, in its thread, to the one that turns them into sound."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Abandoned(Exception):
    """Nobody wants the tokens any more; ends the language model from within."""


class TokenInbox(list[int]):
    """The list that CosyVoice's `llm_job` appends to, with a bell: upstream looks every 100 ms instead."""

    def __init__(self, abandoned: Callable[[], bool]) -> None:
        super().__init__()
        self._bell = threading.Condition()
        self._abandoned = abandoned
        self._closed = False

    def append(self, token: int) -> None:
        """Take in one token; raises Abandoned when nobody wants more."""
        if self._abandoned():
            raise Abandoned
        with self._bell:
            super().append(token)
            self._bell.notify_all()

    def close(self) -> None:
        """No more will come."""
        with self._bell:
            self._closed = True
            self._bell.notify_all()

    def wait_for(self, count: int) -> bool:
        """Return whether there are `count` tokens, as soon as it is known."""
        with self._bell:
            self._bell.wait_for(lambda: len(self) >= count or self._closed)
            return len(self) >= count
