"""How much of an answer a person has heard, as far as anybody here can know."""

from __future__ import annotations

import re
from typing import Final

# Measured on neural voices at their usual speed, rather slow: more may have been heard, hardly less.
_LETTERS_PER_S: Final = 14.0
_WIDE_PER_S: Final = 4.5
_WIDE: Final = re.compile("[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff]")
_LAST_WORD: Final = re.compile(r"\S+$")


def heard_part(text: str, seconds: float) -> str:
    """Return the beginning of `text` that is spoken within `seconds`, in whole words."""
    left_s = seconds
    for index, char in enumerate(text):
        left_s -= 1 / (_WIDE_PER_S if _WIDE.match(char) else _LETTERS_PER_S)
        if left_s < 0:
            return _whole_words(text[:index], text[index])
    return text


def _whole_words(heard: str, following: str) -> str:
    """Drop a word that was cut in two; Chinese has no such thing."""
    if heard and following.isalnum() and not _WIDE.match(following) and not _WIDE.match(heard[-1]):
        heard = _LAST_WORD.sub("", heard)
    return heard.rstrip()
