"""Bare web addresses reduced to the name of their host, which is what a person would read out."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Final

from wyoming_servers.text.scripts import is_cjk
from wyoming_servers.text.stream_filter import END, Parser, StreamFilter

_SCHEMES: Final = ("https://", "http://", "ftp://", "www.")
_SCHEME_STARTS: Final = frozenset(scheme[:length] for scheme in _SCHEMES for length in range(1, len(scheme) + 1))
_HOST_ENDS: Final = frozenset("/?#")
_TRAILING: Final = frozenset(".,;:!?'\"*_~`)]}")
_NEVER_IN_URL: Final = frozenset('<>|"`，。！？；：、（）「」『』【】《》…“”‘’')
_MAX_HOST_CHARS: Final = 40
_HOST: Final = re.compile(r"(?:[a-z0-9-]{1,30}\.){1,2}[a-z]{2,15}", re.IGNORECASE)


class BareUrls(StreamFilter):
    """Replace `https://www.example.org/path?x=1` by `example.org`; hosts nobody can say by `link_word`."""

    def __init__(self, link_word: str = "") -> None:
        """Use `link_word` for addresses without a speakable host name."""
        super().__init__()
        self._link_word = link_word

    def _parse(self) -> Parser:
        before, char = "", (yield)
        while char != END:
            held = ""
            if not _is_ascii_alnum(before):
                while char != END and (held + char).lower() in _SCHEME_STARTS:
                    held += char
                    char = yield
                    if held.lower() in _SCHEMES:
                        break
            if held.lower() in _SCHEMES:
                char = yield from self._url(char)
                before = "/"
            elif held:
                self._out.append(held)
                before = held[-1]
            else:
                self._out.append(char)
                before, char = char, (yield)

    def _url(self, char: str) -> Generator[None, str, str]:
        """Read the rest of an address; return the first character behind it."""
        host: list[str] = []
        in_host = True
        trailing: list[str] = []  # punctuation that belongs to the sentence if the address ends with it
        parentheses = 0
        while char != END and not char.isspace() and char not in _NEVER_IN_URL and not is_cjk(char):
            if char == ")" and parentheses > 0:
                parentheses -= 1
                trailing.clear()
            elif char in _TRAILING:
                trailing.append(char)
            else:
                if char == "(":
                    parentheses += 1
                in_host = in_host and char not in _HOST_ENDS
                if in_host and len(host) < _MAX_HOST_CHARS * 2:
                    host += [*trailing, char]
                trailing.clear()
            char = yield
        self._out.append(self._spoken("".join(host)))
        self._out += trailing
        return char

    def _spoken(self, host: str) -> str:
        name = host.rpartition("@")[2].partition(":")[0].lower().removeprefix("www.")
        return name if len(name) <= _MAX_HOST_CHARS and _HOST.fullmatch(name) else self._link_word


def _is_ascii_alnum(char: str) -> bool:
    return char.isascii() and char.isalnum()
