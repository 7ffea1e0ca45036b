"""Tool calls that a model writes as text: some cannot call tools in any other way."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from wyoming_servers.backends.chat_message import ToolCall

# How a text may begin that is nothing but calls: `{"name": ...}`, a list of such, in a fence or in a template's tags.
_OPENINGS: Final = ("{", "[{", "```", "<tool_call>", "<tools>")
_WRAPPING: Final = re.compile(r"```(?:json|tool_call|xml)?|</?tool_calls?>|</?tools>")
_BETWEEN: Final = " \t\r\n,;"
MAX_HELD_CHARS: Final = 8000
MAX_CALLS: Final = 16


class TextCalls:
    """Holds back a text that may be nothing but JSON objects naming tools; any other passes through at once."""

    def __init__(self, *, active: bool) -> None:
        """`active`: whether the model was offered tools; else everything passes through."""
        self.calls: tuple[ToolCall, ...] = ()
        """What the text wants done, known after `flush`."""
        self._held = ""
        self._decided = not active

    def feed(self, text: str) -> str:
        """Take a piece and return what can be said."""
        if self._decided:
            return text
        self._held += text
        if len(self._held) <= MAX_HELD_CHARS and _may_be_calls(self._held):
            return ""
        self._decided = True
        return self._release()

    def flush(self) -> str:
        """At the end: return what was held back, unless it was calls."""
        if self._decided:
            return ""
        self.calls = read_calls(self._held)
        return "" if self.calls else self._release()

    def _release(self) -> str:
        held, self._held = self._held, ""
        return held


def read_calls(text: str) -> tuple[ToolCall, ...]:
    """Return the calls a text consists of; none if there is anything else in it.

    A name that nobody offered is a call all the same: whoever carries it out says so. It is nothing to be spoken.
    """
    rest = _WRAPPING.sub(" ", text).strip(_BETWEEN)
    decoder = json.JSONDecoder()
    objects: list[Any] = []
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            return ()
        objects += value if isinstance(value, list) else [value]
        rest = rest[end:].strip(_BETWEEN)
    if not 0 < len(objects) <= MAX_CALLS:
        return ()
    calls = [_call(value, number) for number, value in enumerate(objects)]
    return tuple(call for call in calls if call is not None) if all(calls) else ()


def _call(value: Any, number: int) -> ToolCall | None:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        return None
    given = [value[key] for key in ("arguments", "parameters") if key in value]
    arguments = given[0] if given else {}
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if not isinstance(arguments, str) or set(value) - {"name", "arguments", "parameters", "id", "type"}:
        return None
    return ToolCall(f"text_{number}", value["name"], arguments)


def _may_be_calls(text: str) -> bool:
    begun = "".join(text.split())[:12]
    return any(begun.startswith(opening) or opening.startswith(begun) for opening in _OPENINGS)
