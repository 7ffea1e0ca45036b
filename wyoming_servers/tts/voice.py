"""A voice of the merged list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

VoiceTier = Literal["built-in", "fast", "studio"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice in the list and the worker behind it."""

    name: str
    """Name in the merged list."""
    worker: str
    worker_name: str
    """Name on the worker itself."""
    languages: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    speaker: str | None = None
    """Speaker chosen by a request."""
    profile: str | None = None
    """Id of the person's profile whose voice this is; None: a built-in voice."""
    tier: VoiceTier = "built-in"
    announces: bool = False
    """Whether it is for announcements, which may wait for it."""
    passing: bool = False
    """Whether it lasts for an answer only: nothing that was spoken with it is kept."""

    @property
    def identity(self) -> tuple[str, str, str | None]:
        """What tells one sound from another: the worker, its own name of the voice, the speaker."""
        return self.worker, self.worker_name, self.speaker

    def speaks(self, language: str) -> bool:
        """Return whether the voice speaks the language: "en" and "en-GB" match "en-US", "zh" matches "zh-TW"."""
        return any(bare(own) == bare(language) for own in self.languages)


def best_for(voices: Sequence[Voice], language: str) -> Voice | None:
    """Return who of `voices`, in ladder order, is to speak a language; None where nobody does."""
    fitting = [voice for voice in voices if voice.speaks(language)]
    exact = [voice for voice in fitting if any(tag(own) == tag(language) for own in voice.languages)]
    # The region decides within a worker, the ladder between workers: a robot's exact accent is no gain.
    return next((v for v in exact if v.worker == fitting[0].worker), fitting[0]) if fitting else None


def listed_languages(languages: Sequence[str], house: Sequence[str]) -> list[str]:
    """Return a voice's languages with the house's own region added where the bare language fits."""
    known = {bare(language) for language in languages}
    own = [one for one in house if bare(one) in known and "-" in one and bare(one) != "en"]
    return list(dict.fromkeys([*languages, *own]))


def tag(language: str) -> str:
    """Return a language tag in the one spelling in which tags are compared."""
    return language.replace("_", "-").lower()


def bare(language: str) -> str:
    """Return the language of a tag, without script and region."""
    primary = tag(language).split("-")[0]
    return "zh" if primary == "cmn" else primary
