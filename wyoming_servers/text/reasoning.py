"""Removal of reasoning blocks (`<think>...</think>` and its relatives): they are never spoken."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from wyoming_servers.text.stream_filter import END, Parser, StreamFilter

_XML_NAMES: Final = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection")

_BLOCKS: Final[dict[str, str]] = {
    **{f"<{name}>": f"</{name}>" for name in _XML_NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|channel|>analysis<|message|>": "<|end|>",
    "<|channel|>commentary<|message|>": "<|end|>",
}
"""What opens a reasoning block, and what closes it (compared in lower case)."""

_DROPPED: Final = frozenset({"<|channel|>final<|message|>", "<|start|>assistant", *_BLOCKS.values()})
"""Lone markers of chat templates. A closer without its opener: the template had put the opener into the prompt."""

_QUOTES: Final = frozenset("`'\"")
"""A marker behind one of these is being talked about."""
_MARKERS: Final = frozenset(_BLOCKS) | _DROPPED
_MARKER_STARTS: Final = frozenset(marker[:length] for marker in _MARKERS for length in range(1, len(marker) + 1))


class ReasoningFilter(StreamFilter):
    """Drop reasoning blocks, even unclosed ones; the first closer ends a block, as in the usual chat servers."""

    def _parse(self) -> Parser:
        held = ""  # the longest tail of the input that may still become a marker
        before = ""
        char = yield
        while char != END:
            held += char
            while held and (before in _QUOTES or held.lower() not in _MARKER_STARTS):
                self._out.append(held[0])
                before, held = held[0], held[1:]
            marker = held.lower()
            if marker in _BLOCKS:
                held = ""
                if not (yield from self._skip_to(_BLOCKS[marker])):
                    return
            elif marker in _DROPPED:
                held = ""
            char = yield
        self._out.append(held)

    def _skip_to(self, closer: str) -> Generator[None, str, bool]:
        tail = ""
        while tail != closer:
            char = yield
            if char == END:
                return False
            tail = (tail + char.lower())[-len(closer) :]
        return True
