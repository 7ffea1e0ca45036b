"""The last step of every normaliser: nothing is left but words and the punctuation that makes pauses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

PAUSES: Final = frozenset(",.!?;:，。！？；：、…")
_APOSTROPHES: Final = frozenset("'-")

_BLANKS: Final = re.compile(r"\s++")
_INNER_ONLY: Final = re.compile(r"(?<![^\W_])['-]+|['-]+(?![^\W_])")
_RUN_OF_PAUSES: Final = re.compile(r" ?[,.!?;:，。！？；：、…](?: ?[,.!?;:，。！？；：、…])*+")
_STRENGTH: Final = "、，,：:；;…。.！!？?"
_LEADING: Final = re.compile(r"^[\s,.;:，。；：、…]+")


def only_words(text: str, digit_words: Mapping[str, str]) -> str:
    """Say digits left over one by one and drop every other sign; whitespace and pauses are tidied.

    Keeps letters and their marks, `PAUSES`, and apostrophes and hyphens inside words.
    """
    text = "".join([_kept(char) for char in text])
    if any(digit in text for digit in digit_words):
        text = "".join([f" {digit_words[char]} " if char in digit_words else char for char in text])
    text = _INNER_ONLY.sub(" ", text)
    text = _BLANKS.sub(_blank, text).strip()
    text = _RUN_OF_PAUSES.sub(_strongest, text)
    return _LEADING.sub("", text).strip()


@lru_cache(maxsize=4096)
def _kept(char: str) -> str:
    if char == "\n" or char in PAUSES or char in _APOSTROPHES or (char.isascii() and char.isalnum()):
        return char
    return char if unicodedata.category(char)[0] in "LM" else " "


def _blank(run: re.Match[str]) -> str:
    return " . " if "\n" in run[0] else " "


def _strongest(run: re.Match[str]) -> str:
    marks = run[0].replace(" ", "")
    if len(marks) == 1:
        return marks
    strongest = max(marks, key=_STRENGTH.index)
    if strongest == "." and ".." in marks:
        return "..."
    return "……" if strongest == "…" else strongest
