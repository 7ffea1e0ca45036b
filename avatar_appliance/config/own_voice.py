"""The `own_voice` section: answers in the voice of whoever asked."""

from __future__ import annotations

from pydantic import Field

from .section import Section


class OwnVoiceSettings(Section):
    """Answers in the asker's own voice, made from the question itself (docs/voices.md). It clones the voice of whoever
    speaks to the house, visitors too: ask them, or leave it off."""

    enabled: bool = False
    """Whether Home Assistant's list has the voice `asker`, and what is said to the house becomes a voice for a while.
    It takes a cloning worker in `tts.workers`."""
    keep_s: float = Field(default=90, ge=15, le=300)
    """Seconds after which such a voice is deleted, recording and all; an answer that lasts longer is ended by another
    voice."""
