"""Ask a conversation server something."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wyoming.asr import Transcript
from wyoming.handle import Handled, HandledChunk, NotHandled

from .endpoint import AnyEndpoint

TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and when on a `time.monotonic` clock."""

    text: str
    handled: bool
    """False for `not-handled`: the text is an apology."""
    conversation_id: str | None
    asked_s: float
    first_text_s: float | None
    ended_s: float


async def converse(
    endpoint: AnyEndpoint,
    text: str,
    *,
    language: str | None = None,
    conversation_id: str | None = None,
    timeout_s: float = TIMEOUT_S,
    on_text: Callable[[str], None] | None = None,
) -> Answer:
    """Return the answer; the same `conversation_id` continues a conversation. Raises what `Endpoint` raises."""
    context = {"conversation_id": conversation_id} if conversation_id else None
    async with endpoint.connect() as connection:
        asked_s = time.monotonic()
        await connection.send(Transcript(text=text, language=language, context=context))
        first_text_s: float | None = None
        while True:
            event = await connection.receive(timeout_s)
            if HandledChunk.is_type(event.type):
                first_text_s = first_text_s or time.monotonic()
                if on_text is not None:
                    on_text(HandledChunk.from_event(event).text)
            elif Handled.is_type(event.type) or NotHandled.is_type(event.type):
                final = event.data.get("text") or ""
                identity = (event.data.get("context") or {}).get("conversation_id")
                ended_s = time.monotonic()
                return Answer(final, Handled.is_type(event.type), identity, asked_s, first_text_s or ended_s, ended_s)
