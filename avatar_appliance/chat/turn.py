"""One turn: heard, thought and spoken, each as soon as the one before has something to give."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

from avatar_appliance.errors import AvatarError, DeadlineExceeded, InternalError
from avatar_appliance.log import log_defect
from avatar_appliance.store import StageKind
from avatar_appliance.turns.turn_feed import TurnStream

from .events import AnswerPiece, Began, ChatEvent, Ended, Failed, Heard, Recorded
from .hearing import hear
from .pace import Pace
from .question import Question
from .recorded import recorded
from .servers import Servers
from .speaking import Texts, speak
from .thinking import think
from .utterance import WIDTH_BYTES, Utterance

_LOGGER = logging.getLogger(__name__)

SATELLITE_ID: Final = "panel"
"""Where the history says that it was asked."""
MOST_TURN_S: Final = 900.0  # the longest answer that a server gives, spoken slowly
_MOST_WAITING: Final = 16
"""Events that a slow browser may leave unread; then the servers wait for it."""


class ChatTurn:
    """A question on its way; made by `Chat.turn`."""

    def __init__(self, question: Question, servers: Servers, changes: TurnStream) -> None:
        self.id = secrets.token_hex(16)
        self.conversation_id = question.conversation_id or uuid.uuid4().hex
        self.utterance = None if question.rate_hz is None else Utterance(question.rate_hz)
        """Where the sound of a spoken question goes."""
        self._question = question
        self._servers = servers
        self._changes = changes
        self._context: dict[str, Any] = {"conversation_id": self.conversation_id, "satellite_id": SATELLITE_ID}
        self._events: asyncio.Queue[ChatEvent | None] = asyncio.Queue(_MOST_WAITING)
        self._stages: set[StageKind] = set()
        self._stage: StageKind = "think"

    async def events(self) -> AsyncIterator[ChatEvent]:
        """Yield what happens, up to the end of the turn."""
        while (event := await self._events.get()) is not None:
            yield event

    async def run(self) -> None:
        """Go through the turn; cancelling it hangs up on every server that works for it."""
        began_at = time.time()
        await self._events.put(Began(self.id, self.conversation_id))
        try:
            async with asyncio.timeout(MOST_TURN_S):
                await self._go()
        except TimeoutError:
            await self._events.put(Failed(self._stage, DeadlineExceeded(f"no end within {MOST_TURN_S:g} s")))
        except AvatarError as error:
            await self._events.put(Failed(self._stage, error))
        except Exception as error:  # noqa: BLE001 - logged, and told to the page
            log_defect(_LOGGER, "defect in a talk from the panel", error)
            await self._events.put(Failed(self._stage, InternalError("something went wrong here; it is in the log")))
        await self._events.put(Ended())
        if self._stages:
            turn = await recorded(self._changes, self.conversation_id, began_at, self._stages)
            if turn is not None:
                await self._events.put(Recorded(turn))
        await self._events.put(None)

    async def _go(self) -> None:
        text, language = self._question.text, self._question.language
        if self.utterance is not None:
            heard = await self._hear(self.utterance)
            text, language = heard.text, language or heard.language
        if not text:
            return
        texts: Texts = asyncio.Queue()
        speaking = asyncio.create_task(self._speak(texts), name="chat: speech") if self._question.aloud else None
        try:
            try:
                await self._think(text, language, texts)
            finally:
                texts.put_nowait(None)
            if speaking is not None:
                await speaking
        finally:
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    async def _hear(self, utterance: Utterance) -> Heard:
        self._stage = "transcribe"
        question = self._question
        heard = await hear(
            self._servers.asr, utterance, language=question.language, patient=question.patient, context=self._context
        )
        self._stages.add("transcribe")
        await self._events.put(heard)
        return heard

    async def _think(self, text: str, language: str | None, texts: Texts) -> None:
        """What was answered before a failure is still spoken."""
        self._stage = "think"
        try:
            thought = think(self._servers.conversation, text, language=language, context=self._context)
            async with contextlib.aclosing(thought) as pieces:
                async for event in pieces:
                    self._stages.add("think")
                    if isinstance(event, AnswerPiece):
                        texts.put_nowait(event.text)
                    await self._events.put(event)
        except AvatarError as error:
            await self._events.put(Failed("think", error))

    async def _speak(self, texts: Texts) -> None:
        """A voice that fails leaves the text to be read."""
        question, pace = self._question, Pace()
        try:
            speech = speak(
                self._servers.tts, texts, voice=question.voice, language=question.language, context=self._context
            )
            async with contextlib.aclosing(speech) as sounds:
                async for sound in sounds:
                    self._stages.add("speak")
                    await pace.wait(len(sound.pcm) / WIDTH_BYTES / sound.rate_hz)
                    await self._events.put(sound)
        except AvatarError as error:
            await self._events.put(Failed("speak", error))
