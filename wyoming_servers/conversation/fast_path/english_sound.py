"""Whether two English words sound alike.

Metaphone compares consonants only; Tim is not Tom, so vowels are looked at, too. What sounds alike but for an
unstressed vowel ("kitchin") is certain, what differs in the first vowel ("Tim") may only be asked about.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import jellyfish
from rapidfuzz.distance import OSA

from .certainty import Certainty

_NUMBERS: Final = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip
_SHORT_CHARS: Final = 4
_VOWEL_GROUP: Final = re.compile("[aeiouy]+")


@lru_cache(maxsize=8192)
def sound_of(word: str) -> str:
    """Return the consonants of a word as they are spoken."""
    return str(jellyfish.metaphone(word))


@lru_cache(maxsize=16384)
def alike(heard: str, word: str) -> Certainty:
    """Compare two folded words."""
    if _plain(heard) == _plain(word):
        return Certainty.EXACT
    if _is_number(heard) or _is_number(word):  # "lamp 2" is not "lamp 3", however it sounds
        same = _NUMBERS.get(heard, heard) == _NUMBERS.get(word, word)
        return Certainty.EXACT if same else Certainty.NONE
    sound, other = sound_of(heard), sound_of(word)
    if not sound or not other:
        return Certainty.NONE
    likeness = OSA.normalized_similarity(heard, word)
    shortest = min(len(heard), len(word))
    if sound == other:
        vowels, other_vowels = _vowels(heard), _vowels(word)
        if shortest <= _SHORT_CHARS:
            return Certainty.CERTAIN if vowels == other_vowels else Certainty.LIKELY
        same_start = bool(vowels) and bool(other_vowels) and vowels[0][0] == other_vowels[0][0]
        return Certainty.CERTAIN if same_start and likeness >= 0.7 else Certainty.LIKELY
    if OSA.distance(sound, other) > 1:
        return Certainty.NONE
    near = likeness >= 0.65 if shortest > _SHORT_CHARS else likeness >= 0.75 and heard[0] == word[0]
    return Certainty.LIKELY if near else Certainty.NONE


def _plain(word: str) -> str:
    """A word without apostrophes and plural: Whisper writes "Annas lamp"."""
    bare = word.replace("'", "").replace("’", "").replace("-", "")
    return bare[:-1] if len(bare) > _SHORT_CHARS and bare.endswith("s") and not bare.endswith("ss") else bare


def _is_number(word: str) -> bool:
    return word in _NUMBERS or any(char.isdigit() for char in word)


def _vowels(word: str) -> list[str]:
    """The groups of vowels, without a silent e at the end."""
    spoken = word[:-1] if len(word) > 2 and word.endswith("e") and word[-2] not in "aeiouy" else word
    return _VOWEL_GROUP.findall(spoken)
