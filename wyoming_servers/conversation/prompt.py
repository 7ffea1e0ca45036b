"""The prompt: persona, house and tools first and always the same, then the conversation, what changes last.

So a model's prefix cache hits from turn to turn: as far as the house is not renamed and the conversation goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from wyoming_servers.backends.chat_message import Message
from wyoming_servers.house.quoting import quoted
from wyoming_servers.house.tools import Tool

from .context_window import newest_turns, results_cut_to, tokens_of, tokens_of_text, tokens_of_tool
from .house_tools import HouseMind, ToolOffer
from .persona import persona
from .prompt_texts import broken_off as broken_off_remark
from .prompt_texts import circumstances, facts_note, not_shown_turn, note, summary_turn
from .question import Question
from .rules import Rules

# How many things the prompt names, if the window is large enough.
SIZES: Final = (300, 150, 75, 40, 20, 0)
# What of a window house and tools may take; the rest is for the conversation and the answer.
PREFIX_SHARE: Final = 0.6
# What of the window the results of one turn's tools may take.
RESULTS_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked."""

    messages: list[Message]
    tools: list[Mapping[str, Any]] = field(default_factory=list)
    dropped: int = 0
    """Earlier messages that did not fit."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A question with what is noted about it."""

    shown: str
    """For the model, this time."""
    kept: str
    """For the conversation's memory: without facts, so that what is forgotten is in no later prompt."""


class PromptMaker:
    """Makes requests; knows the persona and the house."""

    def __init__(self, personas: Mapping[str, str], rules: Rules, house_name: str, house: HouseMind | None) -> None:
        self._personas = personas
        self._rules = rules
        self._house_name = house_name
        self._house = house

    def noted(
        self,
        question: Question,
        offer: ToolOffer,
        now: datetime,
        *,
        facts: Sequence[str] = (),
        broken_off: bool = False,
    ) -> Noted:
        """Return the question with a note of when, where and by whom it is asked, and what of the person is known.

        `facts` are quotes; `broken_off` says that the answer before was.
        """
        language, parts = question.language, list[str]()
        if self._house is not None and not question.has_own_tools:
            speaker = quoted(question.speaker) if question.speaker else None
            room = self._house.room(question)
            parts += circumstances(language, now, room, speaker, away=offer.trouble is not None)
        if broken_off:
            parts.append(broken_off_remark(language))
        kept = "\n".join(filter(None, (note(language, parts), question.text)))
        return Noted("\n".join(filter(None, (facts_note(language, facts), kept))), kept)

    def request(
        self,
        question: Question,
        asked: Sequence[Message],
        earlier: Sequence[Message],
        offer: ToolOffer,
        *,
        summary: str | None = None,
        is_cut: bool = False,
        window_tokens: int | None,
        answer_tokens: int,
        takes_tools: bool,
    ) -> Request:
        """Return what to ask a model with this window: what was `asked` in this turn, with what of `earlier` fits.

        `summary` tells what was said before `earlier`; `is_cut` says that something was, where nothing tells it.
        """
        tools = self._tools(offer.all, window_tokens) if takes_tools else []
        room = None if window_tokens is None else int(window_tokens * PREFIX_SHARE) - sum(map(tokens_of_tool, tools))
        acts = any(function["function"]["name"] == tool.name for function in tools for tool in offer.tools)
        system = Message("system", self._system(question, room, acts=acts))
        mine = list(asked) if window_tokens is None else results_cut_to(asked, int(window_tokens * RESULTS_SHARE))
        if not takes_tools:
            mine = _without_tools(mine)
        missing = not_shown_turn(question.language)
        kept, before = list(earlier), summary_turn(question.language, summary) if summary else missing if is_cut else []
        if window_tokens is not None:
            taken = tokens_of([system, *mine, *before]) + sum(map(tokens_of_tool, tools)) + answer_tokens
            kept = newest_turns(earlier, window_tokens - taken)
            if len(kept) < len(earlier) and not before:
                before = missing
                kept = newest_turns(earlier, window_tokens - taken - tokens_of(before))
        dropped = len(earlier) - len(kept)
        return Request([system, *before, *(kept if takes_tools else _only_words(kept)), *mine], tools, dropped)

    def _system(self, question: Question, room_tokens: int | None, *, acts: bool) -> str:
        language = question.language
        text = persona(self._personas, language).replace("{house}", self._house_name)
        if self._house is not None and not question.has_own_tools:
            text += f"\n\n{self._rules.acting(language) if acts else self._rules.talking(language)}"
            if acts and (house := self._described(language, room_tokens)):
                text += f"\n\n{house}"
        return f"{text}\n\n{question.instructions}" if question.instructions else text

    def _described(self, language: str, room_tokens: int | None) -> str:
        assert self._house is not None
        for most in SIZES:
            text = self._house.description(language, most) if most else ""
            if room_tokens is None or tokens_of_text(text) <= room_tokens:
                return text
        return ""

    def _tools(self, tools: Sequence[Tool], window_tokens: int | None) -> list[Mapping[str, Any]]:
        """Return as many tools as a window has room for: scripts go first, there may be any number of them."""
        functions: list[Mapping[str, Any]] = [tool.as_function() for tool in tools]
        if window_tokens is None:
            return functions
        room = window_tokens * PREFIX_SHARE
        fitting = set()
        for name, size in sorted(
            ((f["function"]["name"], tokens_of_tool(f)) for f in functions), key=lambda pair: "script" in pair[0]
        ):
            if (room := room - size) < 0:
                break
            fitting.add(name)
        return [function for function in functions if function["function"]["name"] in fitting]


def _only_words(earlier: Sequence[Message]) -> list[Message]:
    """Return earlier turns for a model that knows no tools: some chat templates refuse calls and results."""
    spoken = (message for message in earlier if message.role != "tool")
    return [replace(message, tool_calls=()) for message in spoken if message.role == "user" or message.content]


def _without_tools(asked: Sequence[Message]) -> list[Message]:
    """Return the turn for a model that knows no tools (a lower rung, in mid-turn): the results as plain words."""
    results = [message.content for message in asked if message.role == "tool"]
    spoken = [message for message in asked if message.role == "user"]
    if not results or not spoken:
        return spoken
    last = spoken[-1]
    return [*spoken[:-1], Message("user", "\n".join([last.content, *results]))]
