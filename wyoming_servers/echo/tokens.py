"""A text as what is compared: words, and characters where there are no words, without case, script and punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wyoming_servers.text import to_traditional

# Scripts whose words have no blanks between them: each character counts by itself.
_WIDE: Final = "\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN: Final = re.compile(rf"(?=\w)[{_WIDE}]|(?:(?![{_WIDE}])[^\W_])+(?:['’](?:(?![{_WIDE}])[^\W_])+)*")
_IS_WIDE: Final = re.compile(f"[{_WIDE}]")
# At the pace of neural voices (conversation/heard_part.py), the blank after a word included.
_CHARS_PER_S: Final = 14.0
_WIDE_PER_S: Final = 4.5
_DIGITS_PER_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a character of a script without words."""

    key: str
    """What is compared."""
    start: int
    """Where it is in the text."""
    end: int
    said_s: float
    """About how long it takes to say, in seconds."""

    @property
    def is_wide(self) -> bool:
        """Whether it is one character of a script without words."""
        return _IS_WIDE.match(self.key) is not None


def tokens(text: str) -> list[Token]:
    """Return the tokens of `text`; Chinese compares as Traditional, whichever it is written in."""
    traditional = to_traditional(text, taiwan_phrases=False)
    # Positions must be those of the text itself, which is what a person's part of it is cut from.
    compared = traditional if len(traditional) == len(text) else text
    return [_token(found) for found in _TOKEN.finditer(compared)]


def said_s(some: Sequence[Token]) -> float:
    """Return about how long these take to say, in seconds."""
    return sum(token.said_s for token in some)


def _token(found: re.Match[str]) -> Token:
    key = found[0].casefold().replace("’", "'")
    if _IS_WIDE.match(key):
        seconds = 1 / _WIDE_PER_S
    elif key.isdecimal():
        seconds = len(key) / _DIGITS_PER_S
    else:
        seconds = (len(key) + 1) / _CHARS_PER_S
    return Token(key, found.start(), found.end(), seconds)
