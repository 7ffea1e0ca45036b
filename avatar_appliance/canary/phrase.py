"""What the canary says: a question, since a command would be carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CanaryPhrase:
    """A sentence and its language (BCP 47)."""

    language: str
    text: str


_PHRASES = {
    "en": CanaryPhrase("en", "What is the capital of France?"),
    # Of eSpeak's Chinese Whisper base gets half wrong; of this sentence next to nothing (docs/decisions/0024).
    "zh": CanaryPhrase("zh-TW", "明天早上七點會下雨嗎？"),
}


def phrase_for(languages: Sequence[str]) -> CanaryPhrase:
    """Return the phrase for a house that speaks `languages`; English where it is among them, or none has a phrase."""
    known = [language.split("-")[0] for language in languages if language.split("-")[0] in _PHRASES]
    # The small voices and ears that every appliance has are at their best in English.
    return _PHRASES["en" if "en" in known or not known else known[0]]
