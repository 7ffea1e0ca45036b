"""Hands answers to the text-to-speech server while they are written: it may be asked for them in a moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections import deque
from collections.abc import AsyncGenerator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from wyoming.event import Event

from avatar_appliance.speech.messages import LIMITS, MOST_PART_CHARS, SPEECH_SOCKET, AnswerEnded, AnswerPart, to_event
from avatar_appliance.wire import open_reader, write_event

if TYPE_CHECKING:
    from wyoming_servers.conversation.question import Question
    from wyoming_servers.conversation.thought import Thought

_LOGGER = logging.getLogger(__name__)

RECONNECT_S: Final = 1.0
MOST_WAITING: Final = 256
"""Messages that wait to be taken; a server that is so far behind is of no help."""
MOST_PLACE_CHARS: Final = 128

Piece = TypeVar("Piece")


class HandOver:
    """Keeps a connection to the speech socket; what cannot be handed over is lost, and nobody waits for it."""

    def __init__(self, runtime_dir: Path) -> None:
        self._path = str(runtime_dir / SPEECH_SOCKET)
        self._life = f"{os.getpid()}-{secrets.token_hex(3)}"
        self._numbers = count(1)
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._connected = False

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                await self._stay_connected()
            await asyncio.sleep(RECONNECT_S)

    async def through(
        self, pieces: AsyncGenerator[Piece, None], question: Question, thought: Thought
    ) -> AsyncGenerator[Piece, None]:
        """Yield an answer's pieces unchanged, and hand over those that are text.

        An answer that is closed early, fails or is stopped by a spoken "stop" is called off.
        """
        name = f"{self._life}-{next(self._numbers)}"
        sent, complete = 0, False
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, str) and piece:
                        self._say(name, piece, sent, question)
                        sent += len(piece)
                    yield piece
            complete = not thought.stopped
        finally:
            if sent:
                self._send(to_event(AnswerEnded(answer_id=name, cancelled=not complete)))

    def _say(self, name: str, text: str, offset: int, question: Question) -> None:
        for start in range(0, len(text), MOST_PART_CHARS):
            part = AnswerPart(
                answer_id=name,
                text=text[start : start + MOST_PART_CHARS],
                offset=offset + start,
                conversation_id=_place(question.conversation_id),
                satellite_id=_place(question.asker.satellite_id),
                device_id=_place(question.asker.device_id),
                utterance=question.utterance,
            )
            self._send(to_event(part))

    def _send(self, event: Event) -> None:
        if not self._connected:
            return
        if len(self._waiting) >= MOST_WAITING:
            _LOGGER.debug("the text-to-speech server does not listen: no speech ahead of time")
            self._waiting.clear()  # parts are missing from now on; it notices by their offsets
            return
        self._waiting.append(event)
        self._arrived.set()

    async def _stay_connected(self) -> None:
        reader, writer = await open_reader(self._path, limits=LIMITS)
        self._waiting.clear()
        self._connected = True
        # The other side says nothing unless it refuses us: any word and the end both mean a new start.
        delivering, hearing = asyncio.ensure_future(self._deliver(writer)), asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({delivering, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connected = False
            for task in (delivering, hearing):
                task.cancel()
            await asyncio.gather(delivering, hearing, return_exceptions=True)
            writer.transport.abort()

    async def _deliver(self, writer: asyncio.StreamWriter) -> None:
        while True:
            while self._waiting:
                await write_event(writer, self._waiting.popleft())
            self._arrived.clear()
            await self._arrived.wait()


def _place(value: str | None) -> str | None:
    return value if value and len(value) <= MOST_PLACE_CHARS else None


def handed_over(
    hand_over: HandOver | None, pieces: AsyncGenerator[Piece, None], question: Question, thought: Thought
) -> AsyncGenerator[Piece, None]:
    """Return an answer's pieces, which are spoken ahead of time where there is somebody to hand them to."""
    return pieces if hand_over is None else hand_over.through(pieces, question, thought)
