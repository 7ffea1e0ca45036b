"""The stream of one answer, read: text, tool calls in pieces, usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from avatar_appliance.errors import WorkerFailed

from .chat_message import ChatUsage, ToolCall

# What one answer may want done, whatever a model makes of it.
MAX_TOOL_CALLS = 32
MAX_ARGUMENTS_CHARS = 20_000


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ChatStream:
    """Takes the events of a stream one by one; complete once `finish_reason` is set."""

    worker: str
    finish_reason: str | None = None
    usage: ChatUsage = field(default_factory=ChatUsage)
    _calls: dict[int, _Call] = field(default_factory=dict)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls so far, in order; those without a name (of a model that went astray) are left out."""
        ordered = (self._calls[index] for index in sorted(self._calls))
        return tuple(
            ToolCall(call.id or f"call_{number}", call.name, call.arguments)
            for number, call in enumerate(ordered)
            if call.name
        )

    def feed(self, data: str) -> str:
        """Take one event and return the text it brings. What a model thinks (`reasoning_content`) is no text.

        Raises WorkerFailed for an error the endpoint reports, and for anything that is no completion.
        """
        try:
            event: dict[str, Any] = json.loads(data)
            if "error" in event:
                raise WorkerFailed(f"worker {self.worker} reported an error")
            self._note_usage(event)
            choices = event.get("choices") or []
            if not choices:
                return ""
            delta = choices[0].get("delta") or {}
            for piece in delta.get("tool_calls") or []:
                self._take_call(piece)
            if (reason := choices[0].get("finish_reason")) is not None:
                self.finish_reason = str(reason)
            content = delta.get("content")
            # Half a surrogate pair (an emoji cut in two) can be neither sent nor spoken.
            return content.encode(errors="replace").decode() if isinstance(content, str) else ""
        except (ValueError, AttributeError, LookupError, TypeError, RecursionError):
            raise WorkerFailed(f"worker {self.worker} sent something that is no completion") from None

    def _take_call(self, piece: Mapping[str, Any]) -> None:
        # Some servers leave the index out, where each call comes whole.
        index = piece.get("index")
        key = index if isinstance(index, int) else len(self._calls)
        if key not in self._calls and len(self._calls) >= MAX_TOOL_CALLS:
            raise WorkerFailed(f"worker {self.worker} wants too much done at once")
        call = self._calls.setdefault(key, _Call())
        function = piece.get("function") or {}
        call.id = call.id or str(piece.get("id") or "")[:100]
        call.name += str(function.get("name") or "") if len(call.name) < MAX_ARGUMENTS_CHARS else ""
        arguments = function.get("arguments")
        call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        if len(call.arguments) > MAX_ARGUMENTS_CHARS:
            raise WorkerFailed(f"worker {self.worker} does not stop writing a tool call")

    def _note_usage(self, event: Mapping[str, Any]) -> None:
        usage = event.get("usage")
        if not isinstance(usage, dict):
            return
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        if cached is None and isinstance(timings := event.get("timings"), dict):  # llama.cpp
            cached = timings.get("cache_n")
        self.usage = ChatUsage(
            _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached)
        )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
