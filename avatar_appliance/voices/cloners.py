"""Which workers of the configuration can clone voices, and in which languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from avatar_appliance.config import Settings
from avatar_appliance.config.cloning import CloneTier, CloningWorker

from .profile import LANGUAGE_NOT_SPOKEN, NO_CLONING_WORKER, NO_CONSENT, VoiceProfile
from .voice_index import VoiceTier

ClonerTier = CloneTier


@dataclass(frozen=True, slots=True)
class Cloner:
    """A worker that speaks with any voice of the index; `languages` are bare (`en`, `zh`)."""

    worker: str
    engine: str
    tier: ClonerTier
    languages: tuple[str, ...]

    def speaks(self, language: str) -> bool:
        """Say whether it speaks `language`, whatever the region."""
        return bare(language) in self.languages


class Cloners:
    """The cloning workers of the ladder of text-to-speech, best first."""

    def __init__(self, cloners: Iterable[Cloner]) -> None:
        self.all: Sequence[Cloner] = tuple(cloners)

    @classmethod
    def of(cls, settings: Settings) -> Cloners:
        """Return those that the configuration has."""
        found = []
        for name in settings.tts.workers:
            worker = settings.workers[name]
            if isinstance(worker, CloningWorker):
                languages = tuple(dict.fromkeys(map(bare, worker.clone_languages)))
                found.append(Cloner(name, worker.engine, worker.clone_tier, languages))
        return cls(found)

    def obstacle(self, profile: VoiceProfile) -> str | None:
        """Return why the profile cannot be a voice here, or None."""
        if profile.consent is None:
            return NO_CONSENT
        if not self.all:
            return NO_CLONING_WORKER
        if not self.choose(profile.languages, profile.tier):
            return LANGUAGE_NOT_SPOKEN
        return None

    def choose(self, languages: Sequence[str], tier: VoiceTier) -> Sequence[tuple[Cloner, str]]:
        """Return the cloners for a voice with the language each is to be tried in, those of the wanted tier first."""
        able = [
            (cloner, next(language for language in languages if cloner.speaks(language)))
            for cloner in self.all
            if any(map(cloner.speaks, languages))
        ]
        return sorted(able, key=lambda pair: tier not in ("auto", pair[0].tier))


def bare(language: str) -> str:
    """Return the language of a tag, without script and region."""
    return language.replace("_", "-").partition("-")[0].lower()
