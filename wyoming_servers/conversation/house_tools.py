"""What the agent needs of the house, whoever carries things out. Light: nothing of a house is loaded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.house.acting.intent_call import IntentCall
from wyoming_servers.house.tools import Tool

from .question import Question
from .thought import Thought


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer that needs no model."""

    text: str


@dataclass(frozen=True, slots=True)
class HandedBack:
    """Intents that Home Assistant carries out itself, and answers by their templates."""

    calls: tuple[IntentCall, ...]


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What became of one call of the model's."""

    call: ToolCall
    text: str
    """For the model: data."""
    apology: str | None = None
    """What is said when it stays like this: a change that was not made. None where it worked, or changes nothing."""
    changes: bool = False
    """Whether it changed something."""


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """The tools of one turn."""

    tools: tuple[Tool, ...] = ()
    """Of the house, or of the client."""
    own: tuple[Tool, ...] = ()
    """Of our own: what concerns the conversation, and changes nothing in the house."""
    trouble: str | None = None
    """Code of the error that keeps the house away."""

    @property
    def all(self) -> tuple[Tool, ...]:
        """Everything the model may call."""
        return (*self.tools, *self.own)


class HouseMind(Protocol):
    """The house of an agent."""

    async def quick_answer(self, question: Question, thought: Thought) -> Spoken | HandedBack | None:
        """Understand and carry out a plain command or question; None: it is for the model."""
        ...

    async def offer(self, question: Question) -> ToolOffer:
        """Return the tools for a question, within two seconds."""
        ...

    async def carry_out(
        self, calls: Sequence[ToolCall], question: Question, offer: ToolOffer, thought: Thought
    ) -> list[ToolAnswer] | HandedBack:
        """Carry out what the model wants, side by side, within a bounded time; what failed is an answer, too."""
        ...

    def description(self, language: str, most: int) -> str:
        """Return the house for a prompt, `most` things at most: the same bytes as long as nothing is renamed."""
        ...

    def room(self, question: Question) -> str | None:
        """Return the room somebody asks from, quoted for a prompt."""
        ...

    @property
    def version(self) -> object:
        """Another object whenever the description changed."""
        ...
