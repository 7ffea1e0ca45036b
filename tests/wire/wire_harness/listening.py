"""Asking a speech-to-text server."""

from __future__ import annotations

from typing import Any

from wyoming.asr import Transcript

from wire_harness.clients import ask, utterance

SILENCE = bytes(2 * 32_000)
"""Two seconds of nothing."""


async def hear(uri: str, pcm: bytes, **options: Any) -> Transcript:
    """Send a whole utterance and return its transcript."""
    events = await ask(uri, *utterance(pcm, **options), until=["transcript-stop"])
    assert events[-1].type == "transcript-stop", events[-1].data
    return Transcript.from_event(next(event for event in events if event.type == "transcript"))
