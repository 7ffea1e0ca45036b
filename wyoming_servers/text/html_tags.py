"""Removal of HTML and SSML tags, comments, character references and chat-template tokens from running text."""

from __future__ import annotations

import html
import re
from collections.abc import Generator
from typing import Final

from wyoming_servers.text.stream_filter import END, Parser, StreamFilter
from wyoming_servers.text.word_set import word_set

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REFERENCE_CHARS: Final = _LETTERS | frozenset("#0123456789")
_TAG_OPENERS: Final = _LETTERS | frozenset("/!?|")
_BREAKS_OFF_TAG: Final = frozenset({"<", END})
_MAX_TAG_CHARS: Final = 1000
_MAX_REFERENCE_CHARS: Final = 10

_TAG: Final = re.compile(r"/?([A-Za-z][\w:.-]*)((?:\s[^>]*)?)/?", re.DOTALL)
_ATTRIBUTES: Final = re.compile(r"(?:\s+[\w:@.-]+\s*=\s*(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'/]++))*+\s*/?\s*")
_ALT: Final = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_AUTOLINK: Final = re.compile(r"(?:https?|ftp)://\S+|mailto:\S+|[^\s@]+@[^\s@]+", re.IGNORECASE)
_CHAT_TOKEN: Final = re.compile(r"\|[\w\- ]{1,40}\|")

_BLOCK_TAGS: Final = word_set(
    "address article aside blockquote br dd details div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr "
    "li main nav ol p pre s section summary table tbody thead tr ul"
)
_PAUSE_TAGS: Final = frozenset({"break", "td", "th"})
_INLINE_TAGS: Final = word_set(
    "a abbr acronym audio b bdi bdo big button cite code data del dfn em font html body i img input ins kbd label "
    "mark meta object option picture q rp rt ruby samp select small span strike strong sub sup svg textarea time tt u "
    "var video wbr speak voice prosody emphasis phoneme lang say-as w token"
)
_UNSPOKEN_CONTENT: Final = frozenset({"script", "style", "head", "template"})
_KNOWN_TAGS: Final = _BLOCK_TAGS | _PAUSE_TAGS | _INLINE_TAGS | _UNSPOKEN_CONTENT


class HtmlTags(StreamFilter):
    """Drop tags, keep what they enclose; comparisons like `a < b` stay. Code between backticks is left alone."""

    def _parse(self) -> Parser:
        before, char = "", (yield)
        ticks = 0  # an odd number of backticks on this line: inside inline code
        while char != END:
            if char == "`":
                ticks += 1
            elif char == "\n":
                ticks = 0
            if char == "<" and ticks % 2 == 0:
                char = yield from self._tag(before)
                before = ">"
            elif char == "&":
                char = yield from self._reference()
                before = ";"
            else:
                self._out.append(char)
                before, char = char, (yield)

    def _tag(self, before: str) -> Generator[None, str, str]:
        """Read a tag after its `<`; return the first character behind it."""
        char = yield
        if char not in _TAG_OPENERS:
            self._out.append("<")
            return char
        held = ""
        while char != ">":
            if char in _BREAKS_OFF_TAG or len(held) >= _MAX_TAG_CHARS:
                self._out.append("<" + held)
                return char
            held += char
            if held == "!--":
                return (yield from self._skip_past("-->"))
            char = yield
        if skip_past := self._tag_taken(held, before):
            return (yield from self._skip_past(skip_past))
        return (yield)

    def _tag_taken(self, held: str, before: str) -> str:
        """Speak what a complete `<held>` stands for; return up to what the text after it is unspoken."""
        if held[0] in "!?" or _CHAT_TOKEN.fullmatch(held):
            return ""
        if _AUTOLINK.fullmatch(held):
            self._out.append(held.removeprefix("mailto:"))
            return ""
        match = _TAG.fullmatch(held)
        if match is None or not _is_tag(match, before):
            self._out.append(f"<{held}>")
            return ""
        name = match[1].lower()
        if name in _UNSPOKEN_CONTENT and held[0] != "/" and held[-1] != "/":
            return f"</{name}>"
        if name in _BLOCK_TAGS:
            self._out.append("\n")
        elif name in _PAUSE_TAGS and (name == "break" or held[0] == "/"):
            self._out.append(", ")
        elif name == "img" and (alt := _ALT.search(held)):
            self._out.append(html.unescape(alt[1] or alt[2] or ""))
        return ""

    def _reference(self) -> Generator[None, str, str]:
        """Read a character reference such as `&amp;` after its `&`."""
        held = "&"
        char = yield
        while char in _REFERENCE_CHARS and len(held) < _MAX_REFERENCE_CHARS:
            held += char
            char = yield
        if char == ";":
            self._out.append(html.unescape(held + ";"))
            return (yield)
        self._out.append(held)
        return char

    def _skip_past(self, closer: str) -> Generator[None, str, str]:
        tail = ""
        while tail != closer:
            char = yield
            if char == END:
                return END
            tail = (tail + char.lower())[-len(closer) :]
        return (yield)


def _is_tag(match: re.Match[str], before: str) -> bool:
    """Tell a tag from a comparison such as `x<y and y>z`: an unknown name needs attributes with values, or none."""
    if match[1].lower() in _KNOWN_TAGS:
        is_bare = not match[2].strip("/ ")
        return len(match[1]) > 1 or "=" in match[2] or (is_bare and (match[0][0] == "/" or not _is_latin(before)))
    if _is_latin(before) and match[0][0] != "/":
        return False
    return _ATTRIBUTES.fullmatch(match[2]) is not None


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
