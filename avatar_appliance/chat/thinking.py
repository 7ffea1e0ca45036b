"""Have a question answered, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from wyoming.asr import Transcript
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.intent import Intent, IntentsStart, NotRecognized

from avatar_appliance.client.endpoint import AnyEndpoint

from .errors import HomeAssistantNeeded
from .events import Answered, AnswerPiece

TIMEOUT_S: Final = 180.0
"""The longest silence: a model that has to be loaded first is waited for."""


async def think(
    endpoint: AnyEndpoint, text: str, *, language: str | None, context: Mapping[str, Any]
) -> AsyncGenerator[AnswerPiece | Answered, None]:
    """Yield the answer's pieces, and at last that it is complete.

    Raises what `Endpoint` raises, and HomeAssistantNeeded where the server hands a command back.
    """
    async with endpoint.connect() as connection:
        await connection.send(Transcript(text=text, language=language, context=dict(context)))
        came = False
        while True:
            event = await connection.receive(TIMEOUT_S)
            if HandledChunk.is_type(event.type):
                came = True
                yield AnswerPiece(HandledChunk.from_event(event).text)
            elif (handled := Handled.is_type(event.type)) or NotHandled.is_type(event.type):
                whole = event.data.get("text") or ""
                if whole and not came:
                    yield AnswerPiece(whole)
                yield Answered(handled)
                return
            elif any(kind.is_type(event.type) for kind in (Intent, IntentsStart, NotRecognized)):
                raise HomeAssistantNeeded("this is a command for the house, and Home Assistant did not ask")
