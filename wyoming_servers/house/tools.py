"""What a language model can do in the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .asker import Asker


@dataclass(frozen=True, slots=True)
class Tool:
    """A function offered to the model."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of its arguments."""
    is_read_only: bool = False

    def as_function(self) -> dict[str, Any]:
        """Return it as OpenAI's chat completions take it."""
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": dict(self.parameters)},
        }


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered. `text` is data for the model, never an instruction."""

    text: str
    failed: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    """The answer, where it is a JSON object."""


class Toolbox(Protocol):
    """The tools there are; each call is bounded in time and raises AvatarError only."""

    async def tools(self, asker: Asker) -> Sequence[Tool]:
        """Return the tools, sorted by name: the same house gives the same bytes of prompt."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any], asker: Asker) -> ToolResult:
        """Call a tool for somebody; a refusal by Home Assistant is a result that `failed`."""
        ...
