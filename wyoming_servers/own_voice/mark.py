"""An utterance's id, written into the text of its answer where nobody sees or hears it.

Home Assistant keeps sound by its text: "Done." in one person's voice would be played to the next who is answered
"Done.". And it does not say whose answer a text is that it wants spoken. The id in the text is the cure of both: no two
answers have one text, and each says whose it is.

Its characters are U+2060 to U+2064 (word joiner, invisible operators): shown as nothing, no white space that anybody
strips, and of no meaning in any text that is spoken.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

ID_PREFIX: Final = "asker-"
_ID_BYTES: Final = 4
_ID: Final = re.compile(f"{ID_PREFIX}([0-9a-f]{{{2 * _ID_BYTES}}})")
_EDGE: Final = "\u2060"
_DIGITS: Final = "\u2061\u2062\u2063\u2064"
"""Two bits each."""
_CHARS: Final = 4 * _ID_BYTES
_INVISIBLE: Final = re.compile(f"[{_EDGE}{_DIGITS}]+")
_MARK: Final = re.compile(f"{_EDGE}([{_DIGITS}]{{{_CHARS}}}){_EDGE}")
_MOST_KEPT: Final = 256


def new_utterance_id() -> str:
    """Return an id that nobody can guess; it is a voice's id, too. The lowest 256 are never given."""
    return f"{ID_PREFIX}{256 + secrets.randbelow(2 ** (8 * _ID_BYTES) - 256):0{2 * _ID_BYTES}x}"


def mark_of(utterance: str) -> str:
    """Return the invisible characters for an id that `new_utterance_id` made; raises ValueError for another."""
    if (found := _ID.fullmatch(utterance)) is None:
        raise ValueError("that is no id of an utterance")
    number = int(found[1], 16)
    digits = (_DIGITS[number >> shift & 3] for shift in range(8 * _ID_BYTES - 2, -1, -2))
    return f"{_EDGE}{''.join(digits)}{_EDGE}"


def marked(text: str, utterance: str | None) -> str:
    """Return an answer's text with the utterance it answers in it; as it is where there is none, or nothing is said."""
    return text if utterance is None or not text else mark_of(utterance) + text


def unmarked(text: str) -> str:
    """Return a text without marks, whole or broken."""
    return _INVISIBLE.sub("", text)


class MarkReader:
    """Takes the marks out of a text that comes in chunks, cut anywhere."""

    def __init__(self) -> None:
        self.utterance: str | None = None
        """The id in the first mark so far."""
        self._kept = ""

    def feed(self, chunk: str) -> str:
        """Return the chunk as it was before it was marked."""
        found = "".join(_INVISIBLE.findall(chunk))
        if not found:
            return chunk
        if self.utterance is None:
            self._kept = (self._kept + found)[-_MOST_KEPT:]
            if (mark := _MARK.search(self._kept)) is not None:
                number = 0
                for digit in mark[1]:
                    number = number << 2 | _DIGITS.index(digit)
                self.utterance = f"{ID_PREFIX}{number:0{2 * _ID_BYTES}x}"
        return unmarked(chunk)
