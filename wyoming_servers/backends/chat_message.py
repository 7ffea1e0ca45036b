"""What is said to a chat model, and what it wants done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called."""

    id: str
    name: str
    arguments: str
    """JSON text as the model wrote it, which may be broken."""

    def read_arguments(self) -> dict[str, Any] | None:
        """Return the arguments; None where they are no JSON object. Nothing at all counts as none given."""
        try:
            read = json.loads(self.arguments) if self.arguments.strip() else {}
        except (ValueError, RecursionError):
            return None
        return read if isinstance(read, dict) else None

    def as_json(self) -> dict[str, Any]:
        """Return it as OpenAI's chat completions write it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant that acts."""
    tool_call_id: str | None = None
    """Of a tool: whose answer this is."""

    def as_json(self) -> dict[str, Any]:
        """Return it as OpenAI's chat completions take it."""
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = [call.as_json() for call in self.tool_calls]
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        return message


@dataclass(frozen=True, slots=True)
class ChatUsage:
    """What an endpoint says an answer cost; None where it does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt: found in the prefix cache."""
