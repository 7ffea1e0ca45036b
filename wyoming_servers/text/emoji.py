"""Removal of emoji: single ones, flags, keycaps, skin tones and joined sequences."""

from __future__ import annotations

import unicodedata
from typing import Final

from wyoming_servers.text.scripts import is_wide
from wyoming_servers.text.stream_filter import END, Parser, StreamFilter

_STYLES: Final = frozenset("\ufe0e\ufe0f")  # variation selectors: show the sign before as text, or as emoji
_JOINERS: Final = _STYLES | {"\u200d"}
_ENCLOSING_KEYCAP: Final = "\u20e3"
_KEYCAP_BASES: Final = frozenset("0123456789#*")
_ALSO_EMOJI: Final = frozenset("\u3030\u303d\u3297\u3299\u2194\u2195\u2934\u2935\u2b05\u2b06\u2b07\u20e3")
_SIGNS: Final = frozenset("©®™ℹ‼⁉")  # emoji only where a variation selector says so
_CHINESE_ZERO: Final = "○"  # as in 二○二六年
_FIRST_PICTOGRAPH: Final = 0x2190
_CJK_COMPATIBILITY: Final = range(0x3200, 0x3400)  # signs such as ㎡ and ㈱: part of what is written
_PICTOGRAPH_PLANE: Final = range(0x1F000, 0x1FB00)  # with the emoji newer than this Python's Unicode tables
_TAGS: Final = range(0xE0020, 0xE0080)  # the regions of flags such as Scotland's


def is_emoji(char: str) -> bool:
    """Say whether `char` by itself is a pictograph (or a part that only emoji have)."""
    code = ord(char)
    if code < _FIRST_PICTOGRAPH:
        return char == _ENCLOSING_KEYCAP
    if char in _ALSO_EMOJI or code in _TAGS:
        return True
    if code in _PICTOGRAPH_PLANE:
        return unicodedata.category(char) != "No"
    return unicodedata.category(char) == "So" and code not in _CJK_COMPATIBILITY and char != _CHINESE_ZERO


class EmojiFilter(StreamFilter):
    """Drop emoji; a space takes their place where two words would otherwise grow together."""

    def _parse(self) -> Parser:
        self._before = ""  # the last character let through
        self._in_emoji = False
        char = yield
        while char != END:
            if is_emoji(char) or (self._in_emoji and char in _JOINERS):
                self._in_emoji = True
                char = yield
            elif char in _STYLES:
                char = yield
            elif char in _KEYCAP_BASES or _has_emoji_form(char):
                held, char = char, (yield)
                is_styled = char in _STYLES
                if is_styled:
                    char = yield
                if (char == _ENCLOSING_KEYCAP and held in _KEYCAP_BASES) or (is_styled and _has_emoji_form(held)):
                    self._in_emoji = True
                else:
                    self._let_through(held)
            else:
                self._let_through(char)
                char = yield

    def _let_through(self, char: str) -> None:
        if self._in_emoji and _grow_together(self._before, char):
            self._out.append(" ")
        self._out.append(char)
        self._before, self._in_emoji = char, False


def _has_emoji_form(char: str) -> bool:
    return char in _SIGNS or (ord(char) >= _FIRST_PICTOGRAPH and unicodedata.category(char)[0] == "S")


def _grow_together(before: str, after: str) -> bool:
    return before.isalnum() and after.isalnum() and not (is_wide(before) and is_wide(after))
