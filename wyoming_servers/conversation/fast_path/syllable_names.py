"""Finds misheard names in Chinese sentences, by pinyin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from .certainty import Certainty
from .mandarin_sound import NUMERALS, alike, merged_reading
from .repair import Repair

_FEWEST: Final = 2
"""Characters of the shortest name that is repaired: a single syllable sounds like too much."""
_FEWEST_FOR_A_SLIP: Final = 3
"""Characters of a name of which one may be something else altogether."""


class SyllableNames:
    """The Chinese names of a household, indexed by how they begin."""

    def __init__(self, names: Iterable[str], kept_texts: frozenset[str]) -> None:
        """`kept_texts` (the templates' own) are right as they are and never taken for a name."""
        self._names = frozenset(names)
        self._kept = kept_texts
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            if len(name) >= _FEWEST and _is_han(name[0]):
                self._by_start[merged_reading(name[0])].append(name)

    def repairs(self, text: str) -> list[Repair]:
        """Return possible repairs, the surest and longest first; of names that are all right there are none."""
        found: dict[tuple[int, str], Repair] = {}
        for start, char in enumerate(text):
            if not _is_han(char):
                continue
            for name in self._by_start.get(merged_reading(char), ()):
                heard = text[start : start + len(name)]
                if len(heard) < len(name) or heard in self._names or heard in self._kept:
                    continue
                certainty = self._compare(heard, name)
                if certainty in (Certainty.CERTAIN, Certainty.LIKELY):
                    found[(start, name)] = Repair(start, start + len(name), heard, name, certainty)
        return sorted(found.values(), key=lambda r: (-r.certainty, r.start - r.end, r.start, r.name))

    @staticmethod
    def _compare(heard: str, name: str) -> Certainty:
        parts = sorted(alike(one, other) for one, other in zip(heard, name.casefold(), strict=True))
        if parts[0] is not Certainty.NONE:
            return parts[0]
        slip = len(parts) >= _FEWEST_FOR_A_SLIP and parts[1] >= Certainty.CERTAIN and not _numerals_differ(heard, name)
        return Certainty.LIKELY if slip else Certainty.NONE


def _numerals_differ(heard: str, name: str) -> bool:
    return any(one != other and (one in NUMERALS or other in NUMERALS) for one, other in zip(heard, name, strict=True))


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff"
