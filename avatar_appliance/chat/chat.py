"""All talks from the panel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from avatar_appliance.client import describe
from avatar_appliance.errors import BadRequest, ServerFull
from avatar_appliance.turns.turn_feed import TurnFeed

from .errors import TurnOver
from .question import Question
from .servers import Servers
from .turn import ChatTurn
from .utterance import Utterance
from .voice import ChatVoice, voices_of

MOST_TURNS: Final = 4
"""At once: one less than each server works on by default, so that a satellite is never shut out by browsers."""


class Chat:
    """Turns that are under way, and the voices there are for them."""

    def __init__(self, servers: Servers, feed: TurnFeed, languages: Sequence[str]) -> None:
        """`feed` tells what the history takes down; `languages` are the house's."""
        self.languages = tuple(languages)
        self._servers = servers
        self._feed = feed
        self._turns: dict[str, ChatTurn] = {}

    async def voices(self) -> tuple[ChatVoice, ...]:
        """Return the voices on offer; raises what a client of the text-to-speech server gets."""
        return voices_of((await describe(self._servers.tts)).tts)

    @contextlib.asynccontextmanager
    async def turn(self, question: Question) -> AsyncIterator[ChatTurn]:
        """Run a turn while the block runs: leaving it hangs up on everybody who works for it. Raises ServerFull."""
        if len(self._turns) >= MOST_TURNS:
            raise ServerFull(
                f"{MOST_TURNS} questions from panels are being answered",
                hint="Ask again in a moment, or close a page that nobody listens to.",
            )
        with self._feed.stream() as changes:
            turn = ChatTurn(question, self._servers, changes)
            self._turns[turn.id] = turn
            running = asyncio.create_task(turn.run(), name="chat: turn")
            try:
                yield turn
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                del self._turns[turn.id]

    def utterance(self, turn_id: str) -> Utterance:
        """Return where the sound of a spoken question goes; raises TurnOver, BadRequest for a typed one."""
        turn = self._turns.get(turn_id)
        if turn is None:
            raise TurnOver("no turn of this id is under way")
        if turn.utterance is None:
            raise BadRequest("the question of this turn was typed", hint="Ask with `rate_hz` to send sound.")
        return turn.utterance
