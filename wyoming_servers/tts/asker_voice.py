"""The voice `asker`: whoever asked is answered in their own, made of their question."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from wyoming.info import TtsVoice

from avatar_appliance import __version__
from wyoming_servers.own_voice.trouble import trouble_of_id
from wyoming_servers.own_voice.utterances import Utterances

from .attribution import ATTRIBUTION
from .profile_voices import ProfileVoices
from .voice import Voice, bare, listed_languages

ASKER: Final = "asker"
"""Name in the list, and of everybody's own voice in the history."""
_CALLED: Final[Mapping[str, str]] = {"zh": "你自己的聲音"}
_CALLED_ELSEWHERE: Final = "Your own voice"


@dataclass(frozen=True, slots=True)
class Settled:
    """Who really speaks where the voice `asker` was asked for."""

    voice: Voice | None
    """None: the language of the text decides."""
    trouble: str | None = None
    """Why it is not the asker's own."""


class AskerVoice:
    """Finds the voice that an utterance became: that one, or none, never another person's."""

    def __init__(
        self,
        utterances: Utterances,
        voices: ProfileVoices,
        languages: Sequence[str],
        keep_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`voices` are those of utterances, `languages` (bare) what the cloning workers speak, the house's first."""
        self._utterances = utterances
        self._voices = voices
        self._keep_s = keep_s
        self._clock = clock
        self.placeholder = Voice(
            name=ASKER,
            worker="",
            worker_name=ASKER,
            languages=tuple(listed_languages(languages, voices.house_languages)),
            profile=ASKER,
            passing=True,
        )
        """What a request for the voice means before it is known who asks."""

    @classmethod
    def of(cls, utterances: Utterances, voices: ProfileVoices, languages: Sequence[str], keep_s: float) -> Self | None:
        """Return the voice where somebody can speak with it: `languages` is empty where not."""
        return cls(utterances, voices, languages, keep_s) if languages else None

    def listed(self) -> list[TtsVoice]:
        """Return its entries for the list: Home Assistant shows one per language, so each says it in its own."""
        spoken = self.placeholder.languages
        called = {language: _CALLED.get(bare(language), _CALLED_ELSEWHERE) for language in spoken}
        return [
            TtsVoice(
                name=ASKER,
                description=description,
                attribution=ATTRIBUTION,
                installed=True,
                version=__version__,
                languages=[language for language in spoken if called[language] == description],
            )
            for description in dict.fromkeys(called.values())
        ]

    def settle(self, utterance_id: str | None, default: Voice | None) -> Settled:
        """Return who speaks the answer to an utterance; `default` where its speaker's own voice cannot be had."""
        if utterance_id is None:
            return Settled(default, "whose question it answers is not known")
        if (trouble := trouble_of_id(utterance_id)) is not None:
            return Settled(default, trouble)
        utterance = self._utterances.get(utterance_id)
        if utterance is None or not 0 <= self._clock() - utterance.heard_at_s < self._keep_s:
            return Settled(default, "the question is too long ago")
        if utterance.trouble is not None:
            return Settled(default, utterance.trouble)
        self._voices.refresh()
        voice = self._voices.named(utterance_id)
        if voice is None:
            return Settled(default, "the question is too long ago")
        return Settled(_passing(voice))

    def substitutes(self, voice: Voice) -> list[Voice]:
        """Return the same person's voice on other workers."""
        self._voices.refresh()
        return [_passing(other) for other in self._voices.substitutes(voice)]


def _passing(voice: Voice) -> Voice:
    return replace(voice, name=ASKER, passing=True)
