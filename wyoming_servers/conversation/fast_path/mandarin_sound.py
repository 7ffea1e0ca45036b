"""Whether two Chinese characters sound alike in Mandarin.

Tones are not compared (recognisers confuse them), initials and finals are. Pairs that many speakers do not tell apart
(zh/z, n/l, -in/-ing) count as likely only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .certainty import Certainty

NUMERALS: Final = frozenset("零〇一二兩两三四五六七八九十百千0123456789")
_MERGED_INITIALS: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("h", "f"))
_MERGED_FINALS: Final = (("ing", "in"), ("eng", "en"), ("ang", "an"))


@lru_cache(maxsize=8192)
def reading(char: str) -> str:
    """Return the toneless syllable a character is most often read as; itself where it has none."""
    from pypinyin import Style, lazy_pinyin

    return str(lazy_pinyin(char, style=Style.NORMAL)[0])


@lru_cache(maxsize=8192)
def merged_reading(char: str) -> str:
    """Return the reading with the pairs merged that many speakers do not tell apart."""
    return _merged(reading(char))


@lru_cache(maxsize=16384)
def alike(heard: str, char: str) -> Certainty:
    """Compare two characters."""
    if heard == char:
        return Certainty.EXACT
    if heard in NUMERALS or char in NUMERALS:
        return Certainty.NONE
    if reading(heard) == reading(char):
        return Certainty.CERTAIN
    return Certainty.LIKELY if merged_reading(heard) == merged_reading(char) else Certainty.NONE


def _merged(syllable: str) -> str:
    for initial, plain in _MERGED_INITIALS:
        if syllable.startswith(initial):
            syllable = plain + syllable[len(initial) :]
            break
    for final, plain in _MERGED_FINALS:
        if syllable.endswith(final):
            return syllable[: -len(final)] + plain
    return syllable
