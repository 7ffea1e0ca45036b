"""What a language brings to make its text speakable, and how its module is found."""

from __future__ import annotations

import importlib
import importlib.util
from functools import lru_cache
from typing import Protocol

from wyoming_servers.text.language import LanguageTag, parse_language


class Normaliser(Protocol):
    """Reads numbers, units, dates and signs out in one language."""

    @property
    def link_word(self) -> str:
        """What to say for a web address that cannot be read out."""
        ...

    def normalise(self, text: str) -> str:
        """Return `text` as words and pauses only: no digits, no symbols. Linear in the length, never raises."""
        ...


class NormaliserModule(Protocol):
    """A module `normalise_XX.py` beside this one; to add a language is to add such a file."""

    def create(self, language: LanguageTag) -> Normaliser:
        """Return the normaliser for `language`, whose primary subtag is the XX of the module's name."""
        ...


@lru_cache(maxsize=64)
def normaliser_for(language: str) -> Normaliser | None:
    """Return the normaliser for a language tag, loading its module on first use; None if there is none."""
    tag = parse_language(language)
    if not (tag.primary.isascii() and tag.primary.isalpha()):
        return None
    name = f"{__package__}.normalise_{tag.primary}"
    if importlib.util.find_spec(name) is None:
        return None
    module: NormaliserModule = importlib.import_module(name)
    return module.create(tag)
