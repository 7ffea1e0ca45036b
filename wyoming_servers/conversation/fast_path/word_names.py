"""Finds misheard names in sentences whose words are written apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from .certainty import Certainty
from .english_sound import alike, sound_of
from .repair import Repair

_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# A name of one short word sounds like too much.
_LEAST_LETTERS: Final = 3


class WordNames:
    """The names of a household, indexed by how their words sound."""

    def __init__(self, names: Iterable[str], kept_words: frozenset[str]) -> None:
        """`kept_words` (the templates' own) are right as they are and never taken for a name's word."""
        self._names = [(name, tuple(_words(name))) for name in names]
        self._names = [(name, words) for name, words in self._names if words and sum(map(len, words)) >= _LEAST_LETTERS]
        self._own_words = sorted({word for _, words in self._names for word in words})
        self._kept = kept_words | set(self._own_words)
        self._longest = max((len(words) for _, words in self._names), default=0)
        self._by_length: dict[int, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        self._by_joined_sound: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, words in self._names:
            self._by_length[len(words)].append((name, words))
            self._by_joined_sound[sound_of("".join(words))].append((name, "".join(words)))

    def repairs(self, text: str) -> list[Repair]:
        """Return possible repairs, the surest and longest first; of names that are all right there are none."""
        found: dict[tuple[int, int, str], Repair] = {}
        spans = [(match.start(), match.end(), match[0].casefold()) for match in _WORD.finditer(text)]
        near = {word: self._near(word) for _, _, word in spans}
        for first in range(len(spans)):
            for count in range(1, min(self._longest + 1, len(spans) - first) + 1):
                words = tuple(word for _, _, word in spans[first : first + count])
                start, end = spans[first][0], spans[first + count - 1][1]
                for name, certainty in self._matches(words, near):
                    repair = Repair(start, end, text[start:end], name, certainty)
                    found.setdefault((start, end, name), repair)
        return sorted(found.values(), key=lambda r: (-r.certainty, r.start - r.end, r.start, r.name))

    def _matches(
        self, words: tuple[str, ...], near: Mapping[str, Mapping[str, Certainty]]
    ) -> Iterator[tuple[str, Certainty]]:
        nears = [near[word] for word in words]
        if all(nears):
            for name, own in self._by_length.get(len(words), ()):
                if all(word in close for word, close in zip(own, nears, strict=True)):
                    certainty = min(close[word] for word, close in zip(own, nears, strict=True))
                    if certainty is not Certainty.EXACT:
                        yield name, certainty
        joined = "".join(words)
        for name, own_joined in self._by_joined_sound.get(sound_of(joined), ()):
            if joined == own_joined and words != tuple(_words(name)):
                yield name, Certainty.CERTAIN  # "bed side lamp"

    def _near(self, heard: str) -> dict[str, Certainty]:
        """The names' words that a word may have been, itself included."""
        if heard in self._kept:
            return {heard: Certainty.EXACT} if heard in self._own_words else {}
        compared = ((word, alike(heard, word)) for word in self._own_words)
        return {word: certainty for word, certainty in compared if certainty is not Certainty.NONE}


def _words(text: str) -> list[str]:
    return [match[0].casefold() for match in _WORD.finditer(text)]
