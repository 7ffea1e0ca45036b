"""Markdown links and images reduced to their text; citation marks dropped."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final

from wyoming_servers.text.stream_filter import END, Parser, StreamFilter

_ENDS: Final = frozenset({"\n", END})
_MAX_HELD_CHARS: Final = 300
_MAX_TARGET_CHARS: Final = 2000
_CITATION: Final = re.compile(r"\^.{1,40}|[0-9]{1,3}")
_BRACKET_CITATION: Final = re.compile(r"[^【】]*†[^【】]*")


@dataclass(slots=True)
class _OpenBracket:
    """A `[` that may become a link: how it was written, what stood before it, and what is inside so far."""

    opener: str
    before: str
    content: list[str] = field(default_factory=list)


class MarkdownLinks(StreamFilter):
    """Replace `[text](target)` and `[text][label]` by the text, `![alt](target)` by the alternative text."""

    def __init__(self) -> None:
        """Start outside of any link."""
        super().__init__()
        self._open: list[_OpenBracket] = []
        self._held_chars = 0

    def _parse(self) -> Parser:
        char = yield
        self._before = ""
        while char != END:
            if char == "\\":
                self._say(char)
                char = yield
                if char != END:
                    self._say(char)
                    char = yield
            elif char == "!":
                char = yield
                if char == "[":
                    self._bracket_opens("![")
                    char = yield
                else:
                    self._say("!")
            elif char == "[":
                self._bracket_opens("[")
                char = yield
            elif char == "]" and self._open:
                char = yield from self._bracket_closes()
            elif char == "【":
                char = yield from self._bracket_citation()
            else:
                if char == "\n":
                    self._give_up()
                self._say(char)
                char = yield
        self._give_up()

    def _bracket_opens(self, opener: str) -> None:
        self._open.append(_OpenBracket(opener, self._before))
        self._before = "["
        self._held(len(opener))

    def _bracket_closes(self) -> Generator[None, str, str]:
        """Decide about the innermost bracket after its `]`; return the first character behind it."""
        bracket = self._open.pop()
        text = "".join(bracket.content)
        char = yield
        if char == "(":
            target, char = yield from self._target()
            if char == ")":
                self._resolve(text)
                return (yield)
            self._resolve(f"{bracket.opener}{text}]({target}")
            return char
        is_citation = text.startswith("^") or (bracket.before and not bracket.before.isspace())
        if is_citation and char != ":" and _CITATION.fullmatch(text):
            self._resolve(bracket.opener[:-1])
            return char
        if char == "[" and not bracket.before.isalnum():
            label, char = yield from self._label()
            if char == "]":
                self._resolve(text)
                return (yield)
            self._resolve(f"{bracket.opener}{text}][{label}")
            return char
        self._resolve(f"{bracket.opener}{text}]")
        return char

    def _target(self) -> Generator[None, str, tuple[str, str]]:
        """Read up to the `)` that closes the target; return what was read and the character that ended it."""
        held: list[str] = []
        depth = 0
        char = yield
        while char not in _ENDS and len(held) < _MAX_TARGET_CHARS:
            if char == ")":
                if depth == 0:
                    break
                depth -= 1
            elif char == "(":
                depth += 1
            held.append(char)
            char = yield
        return "".join(held), char

    def _label(self) -> Generator[None, str, tuple[str, str]]:
        held = ""
        char = yield
        while char not in _ENDS and char not in ("[", "]") and len(held) < _MAX_HELD_CHARS:
            held += char
            char = yield
        return held, char

    def _bracket_citation(self) -> Generator[None, str, str]:
        """Read `【...】`; dropped when it holds the dagger of a file citation."""
        held = ""
        char = yield
        while char not in _ENDS and char not in ("【", "】") and len(held) < _MAX_HELD_CHARS:
            held += char
            char = yield
        if char != "】":
            self._say("【" + held)
            return char
        if not _BRACKET_CITATION.fullmatch(held):
            self._say(f"【{held}】")
        return (yield)

    def _resolve(self, text: str) -> None:
        """Put the final `text` of a bracket where the bracket stood."""
        if text:
            self._say(text)
        elif not self._open:
            self._held_chars = 0

    def _say(self, text: str) -> None:
        self._before = text[-1]
        if self._open:
            self._open[-1].content.append(text)
            self._held(len(text))
        else:
            self._held_chars = 0
            self._out.append(text)

    def _held(self, count: int) -> None:
        self._held_chars += count
        if self._held_chars > _MAX_HELD_CHARS:
            self._give_up()

    def _give_up(self) -> None:
        """Let go of everything held: no bracket that is open becomes a link."""
        for bracket in self._open:
            self._out.append(bracket.opener)
            self._out.extend(bracket.content)
        self._open.clear()
        self._held_chars = 0
