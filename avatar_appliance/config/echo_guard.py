"""The `asr.echo_guard` section: the box's own voice is nobody's wish."""

from __future__ import annotations

from pydantic import Field

from .section import Section


class EchoGuardSettings(Section):
    """What the box just said, heard by a microphone of its own, gets an empty transcript (docs/speech.md). A text alone
    counts only where it is long, nearly word for word, and heard while the box speaks; with a speaker worker the sound
    of the voice counts, too. In doubt it was a person."""

    enabled: bool = True
    """Whether to ignore it."""
    similarity: float = Field(default=0.7, ge=0.6, le=1)
    """Least similarity (cosine) to a built-in voice of the box, for which a speaker worker is needed."""
    after_s: float = Field(default=5, ge=0, le=30)
    """Seconds after the end of its speech, as far as that is known here, in which the box may still be heard: players
    and satellites are late."""
