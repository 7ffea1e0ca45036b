"""The `speaker` section: who of the household is speaking."""

from __future__ import annotations

from pydantic import Field

from .section import Name, Section


class SpeakerSettings(Section):
    """Who is speaking: each utterance is compared with the recordings of the voice profiles. A voice is a hint for a
    friendlier answer and for the history, never a key: a recording or a cloned voice passes for the person."""

    workers: list[Name] = Field(default_factory=list)
    """The ladder of speaker workers, best first; none: nobody is identified, and no voice is looked at."""
    threshold: float = Field(default=0.75, ge=0, le=1)
    """Least similarity (cosine) to a profile's recording; below it the speaker is unknown. Higher confuses fewer people
    and recognises fewer."""
    margin: float = Field(default=0.03, ge=0, le=1)
    """How much more similar the best profile must be than the next; closer than that, the speaker is unknown."""
    min_speech_s: float = Field(default=1.2, ge=0.3, le=10)
    """Least speech of an utterance to judge by, in seconds."""
