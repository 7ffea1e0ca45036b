"""Asking a text-to-speech server."""

from __future__ import annotations

from typing import Any

from wyoming.event import Event
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
)

from wire_harness.clients import ask

S_PER_CHAR = 0.06
"""How long the fake engine's words are."""


def pcm_of(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")


def shape(events: list[Event]) -> list[str]:
    """Return the types of the events, repeated ones once."""
    types = [event.type for event in events]
    return [kind for index, kind in enumerate(types) if index == 0 or kind != types[index - 1]]


async def say(uri: str, text: str, **wish: Any) -> list[Event]:
    return await ask(uri, Synthesize(text, **wish), until=["audio-stop"])


async def say_streamed(uri: str, *chunks: str, whole: bool = True, **wish: Any) -> list[Event]:
    """Speak a stream as Home Assistant does: with the whole text once more, for old servers."""
    events = [SynthesizeStart(**wish).event(), *(SynthesizeChunk(chunk).event() for chunk in chunks)]
    if whole:
        events.append(Synthesize("".join(chunks)).event())
    return await ask(uri, *events, SynthesizeStop(), until=["synthesize-stopped"])
