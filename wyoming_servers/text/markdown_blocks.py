"""Markdown blocks made speakable: headings, lists, quotes, tables, rules and code fences."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Final

from wyoming_servers.text.scripts import is_wide
from wyoming_servers.text.stream_filter import END, Parser, StreamFilter

NEWLINES: Final = frozenset("\n\r\v\f\x85\u2028\u2029")
_BLANKS: Final = frozenset(" \t\u00a0\u3000")
_LINE_ENDS: Final = NEWLINES | {END}
_AFTER_MARKER: Final = _LINE_ENDS | _BLANKS
_DIGITS: Final = frozenset("0123456789")
_BULLETS: Final = frozenset("-*+")
_DRAWN_BULLETS: Final = frozenset("•‣◦▪▫●○■□・–—")
_DASHES: Final = frozenset("–—")
_RULES: Final = frozenset("=_")
_FENCES: Final = frozenset("`~")
_PAUSES: Final = frozenset(".,!?;:…。，！？；：、")
_SILENT: Final = frozenset("*_`~ \t\u00a0\u3000\"'”’)]}」』）】》〉")
_DELIMITER_ROW: Final = re.compile(r"[\s:=+-]*")
_CELL_BORDER: Final = re.compile(r"(?<!\\)\|")

_MAX_LIST_DIGITS: Final = 9
_MAX_HEADING: Final = 6
_MIN_FENCE: Final = 3
_MAX_INFO_CHARS: Final = 120
_MAX_ROW_CHARS: Final = 4000

_Line = Generator[None, str, str]
"""Part of a line; returns the first character it did not use."""


class MarkdownBlocks(StreamFilter):
    """Take the marks off the start of lines; list items, headings and table rows end with a pause."""

    def _parse(self) -> Parser:
        char = yield
        while char != END:
            char = yield from self._line(char)

    def _line(self, char: str) -> _Line:
        self._last_spoken = ""
        needs_pause = False
        while True:  # marks can be nested: a heading in a list in a quote
            while char in _BLANKS:
                char = yield
            if char == "|":
                return (yield from self._table_row())
            if char in _FENCES:
                mark, (count, char) = char, (yield from self._run(char))
                if count < _MIN_FENCE:
                    self._say(mark * count)
                    break
                info, char = yield from self._info_string(mark, char)
                if char in _LINE_ENDS:
                    return (yield from self._skip_fence(mark, count, char))
                self._say(mark * count + info)  # ```like this``` it is code within a line
                break
            peeled, char = yield from self._mark(char, in_item=needs_pause)
            if peeled is None:
                break
            needs_pause = needs_pause or peeled
        while char not in _LINE_ENDS:
            self._say(char)
            char = yield
        if needs_pause:
            self._pause()
        return (yield from self._end_line(char))

    def _mark(self, char: str, *, in_item: bool) -> Generator[None, str, tuple[bool | None, str]]:
        """Peel one mark. Return whether its line needs a pause (None: it was no mark) and the next character."""
        if char == ">":
            char = yield
            if char in _DIGITS or char == "=":
                self._say(">")
                return None, char
            return False, char
        if char == "#":
            count, char = yield from self._run("#")
            if count <= _MAX_HEADING and char in _AFTER_MARKER:
                return True, char
            self._say("#" * count)
            return None, char
        if char in _BULLETS or char in _RULES:
            return (yield from self._bullet_or_rule(char))
        if char in _DRAWN_BULLETS:
            mark, char = char, (yield)
            if mark in _DASHES and char not in _AFTER_MARKER:
                self._say(mark)
                return None, char
            return True, char
        if char in _DIGITS:
            return (yield from self._ordered_marker(char))
        if char == "[" and in_item:
            return (yield from self._task_box())
        return None, char

    def _bullet_or_rule(self, mark: str) -> Generator[None, str, tuple[bool | None, str]]:
        count, char = yield from self._run(mark)
        if count == 1 and mark in _BULLETS and char in _AFTER_MARKER:
            return True, char
        blank = ""
        if count > 1 and mark != "+":
            while char in _BLANKS:
                blank, char = " ", (yield)
            if char in _LINE_ENDS:
                return False, char
        self._say(mark * count + blank)
        return None, char

    def _ordered_marker(self, char: str) -> Generator[None, str, tuple[bool | None, str]]:
        number = ""
        while char in _DIGITS and len(number) < _MAX_LIST_DIGITS:
            number, char = number + char, (yield)
        if char not in (".", ")"):
            self._say(number)
            return None, char
        separator, char = char, (yield)
        if char not in _BLANKS:
            self._say(number + separator)
            return None, char
        self._say(number + ", ")
        return True, char

    def _task_box(self) -> Generator[None, str, tuple[bool | None, str]]:
        char = yield
        if char not in (" ", "x", "X"):
            self._say("[")
            return None, char
        content, char = char, (yield)
        if char != "]":
            self._say("[" + content)
            return None, char
        return True, (yield)

    def _run(self, mark: str) -> Generator[None, str, tuple[int, str]]:
        """Count how often `mark` is repeated (one was read already)."""
        count, char = 1, (yield)
        while char == mark:
            count, char = count + 1, (yield)
        return count, char

    def _info_string(self, mark: str, char: str) -> Generator[None, str, tuple[str, str]]:
        """Read what follows an opening fence, up to the line's end or to a mark, which an info string cannot hold."""
        held: list[str] = []
        while char not in _LINE_ENDS and char != mark and len(held) < _MAX_INFO_CHARS:
            held.append(char)
            char = yield
        return "".join(held), char

    def _skip_fence(self, mark: str, opened_with: int, char: str) -> _Line:
        while char != END:
            char = yield
            while char in _BLANKS:
                char = yield
            count = 0
            if char == mark:
                count, char = yield from self._run(mark)
            while char in _BLANKS:
                char = yield
            if count >= opened_with and char in _LINE_ENDS:
                return (yield from self._end_line(char))
            while char not in _LINE_ENDS:
                char = yield
        return char

    def _table_row(self) -> _Line:
        held: list[str] = []
        char = yield
        while char not in _LINE_ENDS:
            held.append(char)
            char = yield
            if len(held) > _MAX_ROW_CHARS:
                break
        row = "".join(held)
        if char not in _LINE_ENDS:
            self._say(row)
            return char
        if _DELIMITER_ROW.fullmatch(row.replace("|", "")):
            return END if char == END else (yield)
        cells = [cell.replace("\\|", "|").strip() for cell in _CELL_BORDER.split(row)]
        comma = "，" if any(map(is_wide, row)) else ", "
        self._say(comma.join(filter(None, cells)))
        self._pause()
        return (yield from self._end_line(char))

    def _end_line(self, char: str) -> _Line:
        if char == END:
            return END
        self._out.append("\n")
        return (yield)

    def _pause(self) -> None:
        if self._last_spoken and self._last_spoken not in _PAUSES:
            self._out.append("。" if is_wide(self._last_spoken) else ".")

    def _say(self, text: str) -> None:
        self._out.append(text)
        for char in reversed(text):
            if char not in _SILENT:
                self._last_spoken = char
                break
