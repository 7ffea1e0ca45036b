"""SSML reduced to the text it asks to have spoken."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Final

from wyoming_servers.text.bare_urls import BareUrls
from wyoming_servers.text.emoji import EmojiFilter
from wyoming_servers.text.reasoning import ReasoningFilter
from wyoming_servers.text.stream_filter import END, FilterChain, Parser, StreamFilter

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REFERENCE_CHARS: Final = _LETTERS | frozenset("#0123456789")
_OPENERS: Final = _LETTERS | frozenset("/!?")
_QUOTES: Final = frozenset("\"'")
_MAX_TAG_CHARS: Final = 2000
_MAX_REFERENCE_CHARS: Final = 10
_MAX_HELD_CHARS: Final = 500
_SHORT_BREAK_S: Final = 0.5

_TAG: Final = re.compile(r"(/?)([A-Za-z][\w:.-]*)(.*?)(/?)", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*+)\"|'([^']*+)')")
_TIME: Final = re.compile(r"\+?(\d{0,6}(?:\.\d{1,6})?)(ms|s)")
_SOFT_BREAKS: Final = frozenset({"x-weak", "weak", "medium"})
_LINE_TAGS: Final = frozenset({"p", "s", "paragraph", "sentence"})
_UNSPOKEN_TAGS: Final = frozenset({"desc", "metadata", "meta"})


def _one_by_one(text: str) -> str:
    return ", ".join(char.upper() if char.isascii() else char for char in text if char.isalnum())


def _digits(text: str) -> str:
    return " ".join(char for char in text if char.isdigit())


def _telephone(text: str) -> str:
    plus = "+ " if text.strip().startswith("+") else ""
    return plus + ", ".join(" ".join(group) for group in re.findall(r"\d+", text))


_SAY_AS: Final[Mapping[str, Callable[[str], str]]] = {
    "characters": _one_by_one,
    "spell-out": _one_by_one,
    "verbatim": _one_by_one,
    "digits": _digits,
    "telephone": _telephone,
}


@dataclass(slots=True)
class _Element:
    """An open element whose content is held until it is known what to say instead."""

    name: str
    replace: Callable[[str], str]
    content: list[str] = field(default_factory=list)


class SsmlTags(StreamFilter):
    """Drop tags; `break` makes a pause, `p` and `s` a line, `sub` says its alias, `say-as` spells where asked."""

    def __init__(self) -> None:
        """Start outside of any element."""
        super().__init__()
        self._open: list[_Element] = []

    def _parse(self) -> Parser:
        char = yield
        while char != END:
            if char == "<":
                char = yield from self._tag()
            elif char == "&":
                char = yield from self._reference()
            else:
                self._say(char)
                char = yield
        while self._open:
            self._close()

    def _tag(self) -> Generator[None, str, str]:
        """Read a tag after its `<`; return the first character behind it."""
        char = yield
        if char not in _OPENERS:
            self._say("<")
            return char
        held: list[str] = []
        quote = ""
        while char != ">" or quote:
            if char == END or (char == "<" and not quote) or len(held) > _MAX_TAG_CHARS:
                self._say("<" + "".join(held))
                return char
            if char in _QUOTES and quote in ("", char):
                quote = "" if quote else char
            held.append(char)
            char = yield
        tag = _TAG.fullmatch("".join(held))
        if tag is not None:  # otherwise a comment or a processing instruction
            self._handle(tag[2].lower().rpartition(":")[2], tag[3], is_end=bool(tag[1]), is_empty=bool(tag[4]))
        return (yield)

    def _handle(self, name: str, attributes_text: str, *, is_end: bool, is_empty: bool) -> None:
        attributes = {
            match[1].lower(): html.unescape(match[2] or match[3] or "")
            for match in _ATTRIBUTE.finditer(attributes_text)
        }
        if name in _LINE_TAGS:
            self._say("\n")
        elif name == "break":
            self._say(_pause(attributes))
        elif is_end:
            if any(element.name == name for element in self._open):
                while self._close() != name:
                    pass
        elif name == "sub" and attributes.get("alias"):
            alias = attributes["alias"]
            self._open.append(_Element(name, lambda _: alias))
        elif name == "say-as" and attributes.get("interpret-as", "").lower() in _SAY_AS:
            self._open.append(_Element(name, _SAY_AS[attributes["interpret-as"].lower()]))
        elif name in _UNSPOKEN_TAGS and not is_empty:
            self._open.append(_Element(name, lambda _: ""))
        if is_empty and self._open and self._open[-1].name == name and not self._open[-1].content:
            self._close()

    def _reference(self) -> Generator[None, str, str]:
        """Read a character reference such as `&amp;` after its `&`."""
        held = "&"
        char = yield
        while char in _REFERENCE_CHARS and len(held) < _MAX_REFERENCE_CHARS:
            held += char
            char = yield
        if char == ";":
            self._say(html.unescape(held + ";"))
            return (yield)
        self._say(held)
        return char

    def _say(self, text: str) -> None:
        if not self._open:
            self._out.append(text)
            return
        content = self._open[-1].content
        content.append(text)
        if len(content) > _MAX_HELD_CHARS:  # somebody forgot the end tag: let the stream go on
            while self._open:
                self._close()

    def _close(self) -> str:
        """Close the innermost open element and return its name."""
        element = self._open.pop()
        self._say(element.replace("".join(element.content)))
        return element.name


class SsmlStripper:
    """Like `MarkupStripper`, for text that is SSML: there are tags and no markdown."""

    def __init__(self, *, link_word: str = "") -> None:
        """Say `link_word` for web addresses whose host has no name a person could say."""
        self._filters = FilterChain((ReasoningFilter(), SsmlTags(), BareUrls(link_word), EmojiFilter()))

    def feed(self, text: str) -> str:
        """Take a chunk and return the plain text that is certain by now."""
        return self._filters.feed(text)

    def flush(self) -> str:
        """Return what was held back and start anew."""
        return self._filters.flush()


def _pause(attributes: Mapping[str, str]) -> str:
    """Return a comma for a short break, a line's end for a long one, nothing for none."""
    if attributes.get("strength") == "none":
        return ""
    time = _TIME.fullmatch(attributes.get("time", "").strip())
    if time is not None and time[1] not in ("", "."):
        is_short = float(time[1]) * (0.001 if time[2] == "ms" else 1) < _SHORT_BREAK_S
        return ", " if is_short else "\n"
    return ", " if attributes.get("strength", "medium") in _SOFT_BREAKS else "\n"
