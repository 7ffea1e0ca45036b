"""Which sentence a mouth and an ear have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.info import Info

from .phrase import CanaryPhrase, phrase_for


@dataclass(frozen=True, slots=True)
class Offer:
    """A sentence, and the voice that speaks its language."""

    phrase: CanaryPhrase
    voice: str


def common_offer(house: Sequence[str], tts: Info, asr: Info) -> Offer | None:
    """Return what both can do, in the first of `house` that they share, else in any; None where they share none.

    A worker without languages in its list of models hears every language.
    """
    voices = [(voice.name, _primary(tag)) for p in tts.tts for voice in p.voices for tag in voice.languages]
    heard = {_primary(tag) for p in asr.asr for model in p.models for tag in model.languages}
    wanted = [_primary(tag) for tag in house]
    shared = [tag for tag in (*wanted, "en", "zh") if any(tag == spoken for _, spoken in voices)]
    shared = [tag for tag in shared if tag in ("en", "zh") and (not heard or tag in heard)]
    if not shared:
        return None
    phrase = phrase_for(shared[:1])
    name = next(name for name, tag in voices if tag == _primary(phrase.language))
    return Offer(phrase, name)


def speaks(tts: Info, language: str) -> bool:
    """Return whether the worker has a voice of `language`, whatever the region."""
    tags = (tag for program in tts.tts for voice in program.voices for tag in voice.languages)
    return any(_primary(tag) == _primary(language) for tag in tags)


def _primary(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()
