"""The speech socket: the conversation server's answers while they are written, what was said, how speech is doing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from avatar_appliance.config.speech import SpeechSettings
from avatar_appliance.speech.messages import (
    LIMITS,
    SPEECH_SOCKET,
    TOLD,
    AnswerEnded,
    AnswerPart,
    SpeechFigures,
    from_event,
    to_event,
)
from avatar_appliance.speech.said import SaidWanted
from avatar_appliance.wire import UnixServer, read_event, write_event
from wyoming_servers.echo.said_memory import SaidMemory

from .ahead_of_time import AheadOfTime
from .speech_cache import SpeechCache
from .speech_tools import SpeechTools

_LOGGER = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 16


class SpeechSocket:
    """Serves processes of this user; the socket's mode keeps others out."""

    def __init__(
        self, runtime_dir: Path, ahead: AheadOfTime, cache: SpeechCache, said: SaidMemory, *, ahead_enabled: bool
    ) -> None:
        self._said = said
        self._ahead = ahead
        self._cache = cache
        self._ahead_enabled = ahead_enabled
        self._server = UnixServer(
            runtime_dir / SPEECH_SOCKET, self._serve, limits=LIMITS, max_connections=MAX_CONNECTIONS
        )

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced. Raises OSError."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening, end the connections, and everything that is made ahead of time."""
        await self._server.stop()
        await self._ahead.aclose()

    @property
    def figures(self) -> SpeechFigures:
        """How speech is doing."""
        cache, ahead = self._cache.figures, self._ahead.figures
        return SpeechFigures(
            cache_hits=cache.hits,
            cache_misses=cache.misses,
            cache_entries=cache.entries,
            cache_bytes=cache.size_bytes,
            cache_limit_bytes=cache.limit_bytes,
            ahead_enabled=self._ahead_enabled,
            ahead_answers=ahead.answers,
            ahead_made=ahead.made,
            ahead_used=ahead.used,
            ahead_wasted=ahead.wasted,
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_answers: set[str] = set()
        try:
            while (event := await read_event(reader, LIMITS)) is not None:
                message = from_event(event, TOLD)
                if isinstance(message, AnswerPart):
                    open_answers.add(message.answer_id)
                    if self._ahead_enabled:
                        self._ahead.hear(message)
                elif isinstance(message, AnswerEnded):
                    open_answers.discard(message.answer_id)
                    self._ahead.end(message)
                elif isinstance(message, SaidWanted):
                    await write_event(writer, to_event(self._said.lately(message.listened_s)))
                else:
                    await write_event(writer, to_event(self.figures))
        finally:
            for answer_id in open_answers:
                self._ahead.end(AnswerEnded(answer_id=answer_id, cancelled=True))


@contextlib.asynccontextmanager
async def speech_socket(runtime_dir: Path, tools: SpeechTools, settings: SpeechSettings) -> AsyncIterator[SpeechSocket]:
    """Serve the speech socket while the block runs; where it cannot be, the servers speak without it."""
    ahead_enabled = settings.ahead_of_time
    serving = SpeechSocket(runtime_dir, tools.ahead, tools.cache, tools.said, ahead_enabled=ahead_enabled)
    try:
        await serving.start()
    except OSError as error:
        _LOGGER.error("no speech ahead of time: %s cannot be listened on: %s", SPEECH_SOCKET, error.strerror)
    try:
        yield serving
    finally:
        await serving.stop()
