"""Turns as a model reads them that shall condense them: each bounded, however much was said or found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wyoming_servers.backends.chat_message import Message
from wyoming_servers.house.quoting import as_tool_data

from .context_window import cut_to, tokens_of_text
from .prompt_texts import told_by, told_exchange

# Of one turn: what is asked, what was done for it, what was answered. More does not make a better summary.
LONGEST_TOKENS: Final = 600
LEAST_TOKENS: Final = 50


def exchanges_that_fit(turns: Sequence[Sequence[Message]], language: str, most_tokens: int) -> list[str]:
    """Return the oldest turns as text, as many as fit; one at least, whose parts are cut in the middle."""
    part_tokens = min(LONGEST_TOKENS, max(most_tokens // 3, LEAST_TOKENS))
    told: list[str] = []
    for turn in turns:
        exchange = _exchange(turn, language, part_tokens)
        if (most_tokens := most_tokens - tokens_of_text(exchange)) < 0 and told:
            break
        told.append(exchange)
    return told


def _exchange(turn: Sequence[Message], language: str, part_tokens: int) -> str:
    question, *others = turn
    calls = {call.id: call.name for message in others for call in message.tool_calls}
    deeds = [
        f"{calls.get(message.tool_call_id or '', 'tool')}: {as_tool_data(message.content)}"
        for message in others
        if message.role == "tool"
    ]
    answer = "\n".join(message.content for message in others if message.role == "assistant" and message.content)
    parts = (told_by(question.content), "; ".join(deeds), answer)
    return told_exchange(language, *(cut_to(part, part_tokens) for part in parts))
