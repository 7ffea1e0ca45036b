"""From the embedding of an utterance to a person, or to nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from avatar_appliance.speakers import SpeakerEmbedding, SpeechEmbedded


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A person's voice as it is known."""

    profile: str
    """Id of the voice profile."""
    name: str
    """Profiles of one name are one person."""
    embedding: SpeakerEmbedding


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whose voice an utterance has."""

    profile: str | None = None
    """Id of the profile; None: unknown."""
    score: float | None = None
    """Similarity to the most similar profile, also where that is not enough."""
    reason: str | None = None
    """Why the speaker is unknown: below-threshold, ambiguous, too-short, late or unavailable."""
    voice: SpeechEmbedded | None = field(default=None, repr=False)
    """The voice itself, where there was enough speech to tell it by."""


def judge(voice: SpeakerEmbedding, enrolled: Iterable[Enrolled], *, threshold: float, margin: float) -> Judgement:
    """Return the profile most similar to `voice`, if it is similar enough and clearly more so than other people's."""
    ranked = sorted(((voice.similarity(one.embedding), one) for one in enrolled), key=lambda pair: -pair[0])
    if not ranked:
        return Judgement()
    score, best = ranked[0]
    if score < threshold:
        return Judgement(score=score, reason="below-threshold")
    other = next((similarity for similarity, one in ranked if one.name != best.name), None)
    if other is not None and score - other < margin:
        return Judgement(score=score, reason="ambiguous")
    return Judgement(profile=best.profile, score=score)
