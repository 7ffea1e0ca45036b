"""Have an utterance written down while it is still being spoken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from avatar_appliance.client.endpoint import AnyEndpoint, Conversation

from .events import Heard
from .utterance import MOST_SPEECH_S, WIDTH_BYTES, Utterance

TIMEOUT_S: Final = MOST_SPEECH_S + 60.0
_MONO: Final = 1


async def hear(
    endpoint: AnyEndpoint, utterance: Utterance, *, language: str | None, patient: bool, context: Mapping[str, Any]
) -> Heard:
    """Return what was said. The server may find the end of it before the utterance is said to end.

    Raises what `Endpoint` raises, and DeadlineExceeded when no more sound comes.
    """
    async with endpoint.connect() as connection:
        await connection.send(
            Transcribe(language=language, vad_sensitivity="relaxed" if patient else None, context=dict(context))
        )
        await connection.send(AudioStart(utterance.rate_hz, WIDTH_BYTES, _MONO))
        sending = asyncio.create_task(_send(connection, utterance), name="chat: sound")
        hearing = asyncio.create_task(_transcript(connection), name="chat: transcript")
        try:
            await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if not hearing.done():
                sending.result()  # a browser that is gone ends it
            return await hearing
        finally:
            utterance.close()
            for task in (sending, hearing):
                task.cancel()
            await asyncio.gather(sending, hearing, return_exceptions=True)


async def _send(connection: Conversation, utterance: Utterance) -> None:
    with contextlib.suppress(OSError):  # who waits for the transcript hears why
        async for pcm in utterance.pieces():
            await connection.send(AudioChunk(utterance.rate_hz, WIDTH_BYTES, _MONO, pcm))
        await connection.send(AudioStop())


async def _transcript(connection: Conversation) -> Heard:
    while True:
        event = await connection.receive(TIMEOUT_S)
        if Transcript.is_type(event.type):
            transcript = Transcript.from_event(event)
            return Heard(transcript.text.strip(), transcript.language)
