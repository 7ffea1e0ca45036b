"""The `tts.speech` section: how answers sound, and what is made or kept so that they start at once."""

from __future__ import annotations

from pydantic import Field

from .section import Section
from .size import Size

MIB = 1024 * 1024


class SpeechSettings(Section):
    """How the text-to-speech server speaks (docs/speech.md)."""

    cache_memory: Size = Field(default=8 * MIB, ge=0, le=256 * MIB)
    """Memory for short sentences that were spoken already, so that they need no engine again; 0: none is kept. Never on
    disk."""
    ahead_of_time: bool = True
    """Whether speech is made while the language model still writes, before anybody asks for it."""
    loudness_lufs: float | None = Field(default=-20.0, ge=-40, le=-10)
    """Loudness that all voices are brought to, slowly, as EBU R128 measures it; null leaves each as loud as it is."""
    announcement_wait_s: float = Field(default=20.0, ge=0, le=60)
    """Seconds an announcement waits for its voice's worker to be loaded before another voice speaks."""
