"""What the sound of a voice says about whose words they are."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from avatar_appliance.speakers import SpeakerEmbedding
from avatar_appliance.speech.said import Said
from wyoming_servers.speaker.judgement import Judgement

# In simulated rooms the box's voices were 0.52 to 0.83 similar to themselves, and people 0.39 to 0.59 to these.
CLEARLY_ANOTHERS: Final = 0.12
"""So far below the least similarity to the box's voice nobody takes one for the other."""


class Evidence(Enum):
    """Whose voice it is."""

    BOX = "box"
    ANOTHERS = "another's"
    """A person's, known or not."""
    NONE = "none"
    """Too little speech, no speaker worker, no answer in time, or a voice that could be either's."""


def evidence_of(
    said: Said, who: Judgement, *, similarity: float, is_same_person: Callable[[str, str], bool]
) -> Evidence:
    """Return whether a voice is the one in which `said` was spoken; `similarity` is the least that says so."""
    if said.anybodys:
        return Evidence.NONE
    if who.profile is not None:
        # A clone and the person whose voice it is pass for each other.
        is_clone = said.profile is not None and is_same_person(said.profile, who.profile)
        return Evidence.NONE if is_clone else Evidence.ANOTHERS
    if who.voice is None or not said.voices or any(voice.model != who.voice.model for voice in said.voices):
        return Evidence.NONE
    heard = who.voice.embedding
    score = max(heard.similarity(SpeakerEmbedding(voice.vector)) for voice in said.voices)
    if score >= similarity and score > (who.score or 0.0):
        return Evidence.BOX
    return Evidence.ANOTHERS if score < similarity - CLEARLY_ANOTHERS else Evidence.NONE
