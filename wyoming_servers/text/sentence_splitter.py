"""Cut a stream of text into pieces to be spoken one after the other."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from wyoming_servers.text.scripts import is_cjk, is_wide
from wyoming_servers.text.sentence_ends import (
    CLAUSE_MARKS,
    SENTENCE_MARKS,
    Undecided,
    clause_end,
    sentence_end,
)

_WIDE_CHAR_WEIGHT: Final = 3
"""A Chinese character takes about as long to say as three Latin letters."""
_MARK_GRACE: Final = 4
"""The mark that ends a piece stays with it even if the piece is as long as it may be."""
_MAX_CLUSTER: Final = 16


class SentenceSplitter:
    """Cut text into speakable pieces as early as it is safe.

    The first piece may end at a clause (so that the first sound comes early), later ones are whole sentences; longer
    ones than `max_chars` are cut at a clause, else at a space, else anywhere. Lengths are in Latin letters; a Chinese
    character counts as three. The pieces joined are the text, up to whitespace, and do not depend on the chunks.
    """

    def __init__(self, *, first_clause_min_chars: int = 20, max_chars: int = 240) -> None:
        """Raise ValueError unless 0 < first_clause_min_chars <= max_chars."""
        if not 0 < first_clause_min_chars <= max_chars:
            raise ValueError("first_clause_min_chars must be positive and at most max_chars")
        self._first_clause_min = first_clause_min_chars
        self._max = max_chars
        self._text = ""
        self._is_first = True
        self._start = self._at = self._weight = 0
        # the latest places to cut a piece that gets too long, best kind first; at `_start`: none
        self._clause_cut = self._gap_cut = self._space_cut = 0

    def feed(self, text: str) -> list[str]:
        """Take a chunk and return the pieces that are complete by now."""
        self._take_in(text)
        pieces = list(self._complete(is_all=False))
        self._text = self._text[self._start :]
        self._at -= self._start
        self._clause_cut -= self._start
        self._gap_cut -= self._start
        self._space_cut -= self._start
        self._start = 0
        return pieces

    def flush(self) -> list[str]:
        """Return what is left as pieces and start a new text."""
        pieces = list(self._complete(is_all=True))
        rest = self._text[self._start :].strip()
        if rest:
            pieces.append(rest)
        self._text = ""
        self._is_first = True
        self._begin_piece(0)
        return pieces

    def _begin_piece(self, start: int) -> None:
        self._start = self._at = start
        self._weight = 0
        self._clause_cut = self._gap_cut = self._space_cut = start

    def _take_in(self, text: str) -> None:
        """Append `text` with whitespace reduced to what matters: one space, or one line break."""
        kept: list[str] = []
        last = self._text[-1:] or "\n"
        for char in text:
            if char.isspace():
                if last == "\n" or (last == " " and char not in "\n\r\u2028\u2029\x85"):
                    continue
                last = "\n" if char in "\n\r\u2028\u2029\x85" else " "
            else:
                last = char
            kept.append(last)
        self._text += "".join(kept)

    def _complete(self, *, is_all: bool) -> Iterator[str]:
        while (cut := self._next_cut(is_all=is_all)) is not None:
            piece = self._text[self._start : cut].strip()
            while cut < len(self._text) and self._text[cut].isspace():
                cut += 1
            self._begin_piece(cut)
            if piece:
                self._is_first = False
                yield piece

    def _next_cut(self, *, is_all: bool) -> int | None:
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            if char == "\n":
                return self._at + 1
            self._note_gap(char)
            weight = self._weight + (_WIDE_CHAR_WEIGHT if is_wide(char) else 1)
            if weight > self._max + (_MARK_GRACE if char in SENTENCE_MARKS or char in CLAUSE_MARKS else 0):
                return self._forced_cut()
            if char in SENTENCE_MARKS:
                verdict = sentence_end(text, self._start, self._at, is_all=is_all)
                if verdict is Undecided.NEEDS_MORE:
                    return None
                if isinstance(verdict, int):
                    return verdict
            elif char in CLAUSE_MARKS:
                verdict = clause_end(text, self._start, self._at, is_all=is_all)
                if verdict is Undecided.NEEDS_MORE:
                    return None
                if isinstance(verdict, int):
                    if self._is_first and weight >= self._first_clause_min:
                        return verdict
                    if weight * 4 >= self._max:
                        self._clause_cut = verdict
            self._weight = weight
            self._at += 1
        return None

    def _note_gap(self, char: str) -> None:
        """Remember that a piece that gets too long may be cut before `char`, or behind it if it is a space."""
        if char == " ":
            self._space_cut = self._at + 1
            if not self._text[self._at - 1].isdigit():
                self._gap_cut = self._at + 1
        elif self._at > self._start and is_cjk(char) and is_cjk(self._text[self._at - 1]):
            self._gap_cut = self._at

    def _forced_cut(self) -> int:
        """Return the best place to cut a piece that is as long as it may be."""
        for cut in (self._clause_cut, self._gap_cut, self._space_cut):
            if cut > self._start:
                return cut
        cut = max(self._at, self._start + 1)
        lowest = max(self._start + 1, cut - _MAX_CLUSTER)
        while cut > lowest and _belong_together(self._text[cut - 1], self._text[cut]):
            cut -= 1
        return cut if cut > lowest or lowest == self._start + 1 else self._at


def _belong_together(before: str, after: str) -> bool:
    return before == "\u200d" or after == "\u200d" or unicodedata.category(after)[0] == "M"
