"""Whether a prompt fits into a model's window: an estimate that is rather too high."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from wyoming_servers.backends.chat_message import Message

# Of Qwen's and Llama's tokenizers: about four letters of English to a token, a little more than a character of
# Chinese. JSON has more punctuation.
_LETTERS_PER_TOKEN: Final = 3.5
_JSON_LETTERS_PER_TOKEN: Final = 3.0
_TOKENS_PER_MESSAGE: Final = 6
_WIDE: Final = re.compile("[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0003ffff]")


def tokens_of_text(text: str, *, letters_per_token: float = _LETTERS_PER_TOKEN) -> int:
    """Return about how many tokens a text has."""
    wide = len(_WIDE.findall(text))
    return wide + int((len(text) - wide) / letters_per_token) + 1


def tokens_of(messages: Iterable[Message]) -> int:
    """Return about how many tokens messages have."""
    return sum(
        _TOKENS_PER_MESSAGE
        + tokens_of_text(message.content)
        + sum(tokens_of_text(call.name + call.arguments) + _TOKENS_PER_MESSAGE for call in message.tool_calls)
        for message in messages
    )


def tokens_of_tool(function: Mapping[str, Any]) -> int:
    """Return about how many tokens the definition of a tool has."""
    return _tokens_of_json(json.dumps(function, ensure_ascii=False))


@lru_cache(maxsize=512)
def _tokens_of_json(text: str) -> int:
    return tokens_of_text(text, letters_per_token=_JSON_LETTERS_PER_TOKEN) + _TOKENS_PER_MESSAGE


def cut_to(text: str, most_tokens: int) -> str:
    """Return a text without its middle, where it is too long."""
    if (tokens := tokens_of_text(text)) <= most_tokens:
        return text
    half = int(len(text) * most_tokens / tokens) // 2
    return f"{text[:half]} … {text[len(text) - half :]}"


def results_cut_to(messages: Sequence[Message], most_tokens: int) -> list[Message]:
    """Return messages in which the results of tools have no more than so many tokens, in equal shares where cut."""
    left, sizes = most_tokens, sorted(tokens_of_text(m.content) for m in messages if m.role == "tool")
    share = most_tokens
    for index, size in enumerate(sizes):  # what short ones leave is for the long ones
        share = left // (len(sizes) - index)
        if size > share:
            break
        left -= size
    else:
        return list(messages)
    return [replace(m, content=cut_to(m.content, share)) if m.role == "tool" else m for m in messages]


def newest_turns(earlier: Sequence[Message], budget_tokens: int) -> list[Message]:
    """Return the newest whole turns of a conversation that fit, oldest first.

    A turn begins with what the user says: a model must not see answers (or results of tools) without their question.
    """
    kept: list[Message] = []
    turn: list[Message] = []
    for message in reversed(earlier):
        turn.insert(0, message)
        if message.role == "user":
            if (budget_tokens := budget_tokens - tokens_of(turn)) < 0:
                return kept
            kept, turn = turn + kept, []
    return kept
