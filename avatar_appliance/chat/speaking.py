"""Have a text spoken while it is still being written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from wyoming.audio import AudioChunk
from wyoming.tts import SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from avatar_appliance.client import ServerError
from avatar_appliance.client.endpoint import AnyEndpoint, Conversation
from avatar_appliance.errors import VoiceUnknown

from .events import Sound
from .utterance import WIDTH_BYTES

TIMEOUT_S: Final = 180.0
"""The longest silence: the model may think between two pieces, and a voice may have to be loaded first."""

Texts = asyncio.Queue[str | None]
"""Pieces of the text; None ends it."""


async def speak(
    endpoint: AnyEndpoint, texts: Texts, *, voice: str | None, language: str | None, context: Mapping[str, Any]
) -> AsyncGenerator[Sound, None]:
    """Yield the sound of `texts` as it is made; nothing is asked before there is something to say.

    Raises what `Endpoint` raises, and VoiceUnknown.
    """
    first = await texts.get()
    if first is None:
        return
    wish = SynthesizeVoice(name=voice, language=None if voice else language) if voice or language else None
    async with endpoint.connect() as connection:
        await connection.send(SynthesizeStart(voice=wish, context=dict(context)))
        reading = asyncio.create_task(_send(connection, first, texts), name="chat: text")
        try:
            async with contextlib.aclosing(_sounds(connection)) as sounds:
                async for sound in sounds:
                    yield sound
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _send(connection: Conversation, first: str, texts: Texts) -> None:
    text: str | None = first
    with contextlib.suppress(OSError):  # who waits for the sound hears why
        while text is not None:
            await connection.send(SynthesizeChunk(text=text))
            text = await texts.get()
        await connection.send(SynthesizeStop())


async def _sounds(connection: Conversation) -> AsyncGenerator[Sound, None]:
    try:
        while not SynthesizeStopped.is_type((event := await connection.receive(TIMEOUT_S)).type):
            if AudioChunk.is_type(event.type):
                chunk = AudioChunk.from_event(event)
                if (chunk.width, chunk.channels) != (WIDTH_BYTES, 1):
                    raise ServerError("the sound is not 16 bits and one channel", None)
                yield Sound(chunk.rate, chunk.audio)
    except ServerError as error:
        if error.server_code == VoiceUnknown.code:
            raise VoiceUnknown("the list has no such voice (any more)") from None
        raise
