"""The household's own voices in the list: each profile once per tier that a configured worker can speak it in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from wyoming.info import TtsVoice

from avatar_appliance import __version__
from avatar_appliance.config.cloning import CloningWorker
from avatar_appliance.config.workers import WorkerSettings
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex

from .attribution import ATTRIBUTION
from .voice import Voice, bare, listed_languages

CLONE_PREFIX: Final = "clone:"
"""What a cloning worker calls the voices of profiles begins with this; the list has them under names for people."""
STUDIO_SUFFIX: Final = "-studio"
_VERSION: Final = re.compile(r"-v[0-9]{1,9}$")

ProfileTier = Literal["fast", "studio"]
TIERS: Final[tuple[ProfileTier, ...]] = ("fast", "studio")
_WANTED: Final[Mapping[str, ProfileTier]] = {"fast": "fast", "high-quality": "studio"}


@dataclass(frozen=True, slots=True)
class Cloner:
    """A worker that speaks in any profile's voice, running or not; `languages` are bare (`en`, `zh`)."""

    worker: str
    tier: ProfileTier
    languages: tuple[str, ...]


class ProfileVoices:
    """The voices of the profiles, read anew whenever the index changed."""

    def __init__(self, index: VoiceIndex, cloners: Sequence[Cloner], house_languages: Sequence[str]) -> None:
        """`cloners` are those of the ladder, best first."""
        self._index = index
        self._cloners = tuple(cloners)
        self._house_languages = tuple(house_languages)
        self._read: tuple[ClonedVoice, ...] = ()
        self._rungs: dict[str, list[Voice]] = {}

    @classmethod
    def of(
        cls, index: VoiceIndex, ladder: Sequence[str], workers: Mapping[str, WorkerSettings], languages: Sequence[str]
    ) -> Self:
        """Return those that the workers of the configuration can speak."""
        cloners = [
            Cloner(
                name,
                "studio" if settings.clone_tier == "high-quality" else "fast",
                tuple(dict.fromkeys(map(bare, settings.clone_languages))),
            )
            for name in ladder
            if isinstance(settings := workers[name], CloningWorker)
        ]
        return cls(index, cloners, languages)

    @property
    def house_languages(self) -> tuple[str, ...]:
        """Languages of the house, whose regions are listed."""
        return self._house_languages

    def refresh(self) -> bool:
        """Look at the index, which costs a `stat`; return whether it changed."""
        profiles = self._index.voices
        if profiles is self._read or profiles == self._read:
            return False
        self._read = profiles
        self._rungs = {profile.id: self._speakable(profile) for profile in profiles}
        return True

    def listed(self) -> list[tuple[Voice, TtsVoice]]:
        """Return what the list shows, in the owner's order: each profile in the tiers its owner wants and has."""
        return [
            (voice, self._entry(voice, profile)) for profile in self._read for voice in self._shown(profile).values()
        ]

    def named(self, name: str) -> Voice | None:
        """Return the voice somebody means; an older version's name, or that of another tier, means the sound of now."""
        for profile in self._read:
            for voice in self._rungs[profile.id]:
                if voice.name == name:
                    return voice
        stem = _VERSION.sub("", name)
        tier: ProfileTier = "studio" if stem.endswith(STUDIO_SUFFIX) else "fast"
        for wanted in (stem, stem.removesuffix(STUDIO_SUFFIX), name, name.removesuffix(STUDIO_SUFFIX)):
            rungs = self._rungs.get(wanted)
            if rungs:
                return next((voice for voice in rungs if voice.tier == tier), rungs[0])
        return None

    def default(self) -> Voice | None:
        """Return the voice the owner made the default for answers."""
        for profile in self._read:
            if profile.is_default and profile.purpose == "answers":
                return next(iter(self._shown(profile).values()), None)
        return None

    def substitutes(self, voice: Voice) -> list[Voice]:
        """Return the same person's voice on other workers: those of its tier first."""
        others = [rung for rung in self._rungs.get(voice.profile or "", ()) if rung.worker != voice.worker]
        return sorted(others, key=lambda rung: rung.tier != voice.tier)

    def _shown(self, profile: ClonedVoice) -> dict[str, Voice]:
        rungs = self._rungs[profile.id]
        wanted = _WANTED.get(profile.tier)
        chosen = [voice for voice in rungs if voice.tier == wanted] or rungs
        by_tier: dict[str, Voice] = {}
        for voice in sorted(chosen, key=lambda rung: TIERS.index(rung.tier)):
            by_tier.setdefault(voice.tier, voice)
        return by_tier

    def _speakable(self, profile: ClonedVoice) -> list[Voice]:
        return [
            Voice(
                name=public_name(profile, cloner.tier),
                worker=cloner.worker,
                worker_name=f"{CLONE_PREFIX}{profile.id}:{profile.version}",
                languages=tuple(listed_languages(spoken, self._house_languages)),
                profile=profile.id,
                tier=cloner.tier,
                announces=profile.purpose == "announcements",
            )
            for cloner in self._cloners
            if (spoken := [tag for tag in profile.languages if bare(tag) in cloner.languages])
        ]

    def _entry(self, voice: Voice, profile: ClonedVoice) -> TtsVoice:
        return TtsVoice(
            name=voice.name,
            description=f"{profile.name} (studio)" if voice.tier == "studio" else profile.name,
            attribution=ATTRIBUTION,
            installed=True,
            version=f"{__version__}.{profile.version}",
            languages=list(voice.languages),
        )


def public_name(profile: ClonedVoice, tier: ProfileTier) -> str:
    """Return the name in the list; it changes with the sound, which Home Assistant keeps by name."""
    name = profile.id + (STUDIO_SUFFIX if tier == "studio" else "")
    return name if profile.version == 1 else f"{name}-v{profile.version}"
