"""Markdown emphasis, inline code marks and backslash escapes taken off; `5 * 3` and `a_b` stay."""

from __future__ import annotations

import string
from typing import Final

from wyoming_servers.text.scripts import is_cjk
from wyoming_servers.text.stream_filter import END, Parser, StreamFilter

_DELIMITERS: Final = frozenset("*_~`")
_ESCAPABLE: Final = frozenset(string.punctuation)
_MAX_KEPT_RUN: Final = 3


class MarkdownEmphasis(StreamFilter):
    """Drop the delimiters; one character on either side tells a delimiter from a sign to be spoken."""

    def _parse(self) -> Parser:
        self._code_ticks = 0  # how many backticks opened the inline code we are in
        self._star_is_open = False
        before, char = "", (yield)
        while char != END:
            if char == "\\":
                char = yield
                if char in _ESCAPABLE:
                    self._out.append(char)
                    before, char = char, (yield)
                else:
                    self._out.append("\\")
                    before = "\\"
            elif char in _DELIMITERS:
                mark, count, char = char, 1, (yield)
                while char == mark:
                    count, char = count + 1, (yield)
                if self._is_spoken(mark, count, before, char):
                    self._out.append(mark * count)
                    before = mark
            else:
                if char == "\n":  # emphasis and inline code end with their line at the latest
                    self._code_ticks, self._star_is_open = 0, False
                self._out.append(char)
                before, char = char, (yield)

    def _is_spoken(self, mark: str, count: int, before: str, after: str) -> bool:
        """Say whether a run of `count` marks between these characters is more than a delimiter."""
        if mark == "`":
            if self._code_ticks in (0, count):
                self._code_ticks = count - self._code_ticks
            return False
        if self._code_ticks:
            return count < _MAX_KEPT_RUN
        if mark == "~":
            return count == 1
        stands_alone = (before == "" or before.isspace()) and (after == END or after.isspace())
        if count > 1:
            return stands_alone and count < _MAX_KEPT_RUN
        if mark == "_":
            return stands_alone or (before.isalnum() and after.isalnum())
        if self._star_is_open and not stands_alone and not before.isspace():
            self._star_is_open = False
            return False
        if stands_alone or (_is_operand(before, ")") and _is_operand(after, "(")):
            return True
        self._star_is_open = not after.isspace() and after != END
        return False


def _is_operand(char: str, bracket: str) -> bool:
    return char == bracket or (char.isalnum() and not is_cjk(char))
