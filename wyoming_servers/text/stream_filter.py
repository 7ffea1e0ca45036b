"""Text filters that may be fed in chunks of any size and give the same result as for the whole text.

A filter is written as a generator that *pulls* one character at a time (`char = yield`), like a parser for a whole
text. Whatever look-ahead it needs it simply asks for, and the text it has not decided about stays inside. So the
result cannot depend on where the stream was cut.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import Final

END: Final = ""
"""What a parser is sent at the end of the stream. Test membership with frozensets: `"" in "abc"` is true."""

Parser = Generator[None, str, None]
"""Receives characters, then `END`, and returns soon after that."""


class StreamFilter(ABC):
    """Base of a filter: `feed` chunks, then `flush`; afterwards it is as new."""

    def __init__(self) -> None:
        """Start at the beginning of a text."""
        self._out: list[str] = []
        self._parser = self._started()

    def feed(self, text: str) -> str:
        """Take a chunk and return what is decided so far."""
        send = self._parser.send
        for char in text:
            send(char)
        return self._taken()

    def flush(self) -> str:
        """Decide about everything held back, return it and start anew."""
        try:
            self._parser.send(END)
        except StopIteration:
            pass
        else:  # a parser that survives the end would swallow the next text
            raise RuntimeError(f"{type(self).__name__} asked for more after the end")
        self._parser = self._started()
        return self._taken()

    @abstractmethod
    def _parse(self) -> Parser:
        """Receive characters, append what is decided to `_out`, return after `END`."""

    def _started(self) -> Parser:
        parser = self._parse()
        next(parser)
        return parser

    def _taken(self) -> str:
        text = "".join(self._out)
        self._out.clear()
        return text


class FilterChain:
    """Several filters one behind the other, used like one."""

    def __init__(self, filters: Sequence[StreamFilter]) -> None:
        """Feed the output of each of `filters` to the next one."""
        self._filters = tuple(filters)

    def feed(self, text: str) -> str:
        """Take a chunk and return what is decided so far."""
        for stage in self._filters:
            text = stage.feed(text)
        return text

    def flush(self) -> str:
        """Decide about everything held back, return it and start anew."""
        text = ""
        for stage in self._filters:
            text = stage.feed(text) + stage.flush()
        return text
