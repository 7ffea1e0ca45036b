"""Which facts of a person a model sees: a bounded number, those about the question first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from avatar_appliance.facts import Fact
from wyoming_servers.house.quoting import quoted

from .context_window import tokens_of_text

MAX_QUOTE_CHARS: Final = 240
_WORD: Final = re.compile(r"[^\W\d_]{4,}|\d+")
_HAN: Final = re.compile("[\u3400-\u9fff]+")


def chosen_facts(facts: Sequence[Fact], question: str, *, most: int, most_tokens: int) -> list[str]:
    """Return facts (given newest first) as quotes for a prompt, oldest first: within both bounds."""
    asked = _terms(question)
    by_worth = sorted(enumerate(facts), key=lambda pair: (-len(asked & _terms(pair[1].text)), pair[0]))
    taken: list[int] = []
    for index, fact in by_worth[:most]:
        if (most_tokens := most_tokens - tokens_of_text(_quote(fact))) < 0:
            break
        taken.append(index)
    return [_quote(facts[index]) for index in sorted(taken, reverse=True)]


def is_in_words_of(fact: str, said: str) -> bool:
    """Return whether a fact is told in words that were said: half of them at least, and every number.

    A model is shown names and states that anybody can write. What those want remembered, no person said.
    """
    told, heard = _terms(fact), _terms(said)
    numbers = {term for term in told if term.isdecimal()}
    return numbers <= heard and 2 * len(told & heard) >= len(told)


def _quote(fact: Fact) -> str:
    return _quoted(fact.text)


# The same facts again in every prompt: looking at each of their characters costs a millisecond.
@lru_cache(maxsize=512)
def _quoted(text: str) -> str:
    return quoted(text, MAX_QUOTE_CHARS)


@lru_cache(maxsize=512)
def _terms(text: str) -> frozenset[str]:
    """Words of four letters and more, and pairs of Chinese characters: what two texts have in common by no chance."""
    words = {word.casefold() for word in _WORD.findall(_HAN.sub(" ", text))}
    pairs = {run[start : start + 2] for run in _HAN.findall(text) for start in range(len(run) - 1)}
    return frozenset(words | pairs)
