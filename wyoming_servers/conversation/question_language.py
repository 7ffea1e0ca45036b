"""In which language a question is asked, and so answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from wyoming_servers.text import detect_language

_HAN: Final = re.compile("[\u3400-\u9fff]")
_LATIN: Final = re.compile("[A-Za-z]+")
# What makes a sentence English: not the names of things, which Chinese sentences are full of ("打開 kitchen lamp").
_ENGLISH_FRAME: Final = frozenset(
    {
        "a", "an", "and", "any", "are", "at", "can", "close", "could", "did", "do", "does", "for", "from", "have",
        "how", "i", "in", "is", "it", "lock", "make", "me", "my", "of", "off", "on", "open", "or", "please", "set",
        "should", "show", "start", "stop", "switch", "tell", "that", "the", "there", "to", "turn", "unlock", "was",
        "what", "when", "where", "which", "who", "why", "will", "with", "you",
    }
)  # fmt: skip


def question_language(text: str, languages: Sequence[str]) -> str:
    """Return the language of a question among those of the house; the first where the text does not tell.

    A mixed sentence is in the language that holds it together.
    """
    written = text
    if _HAN.search(text) and not _ENGLISH_FRAME.intersection(map(str.lower, _LATIN.findall(text))):
        written = _LATIN.sub(" ", text)
    return detect_language(written, languages) or detect_language(text, languages) or languages[0]
