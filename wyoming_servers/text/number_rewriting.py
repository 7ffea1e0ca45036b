"""Rewrite rules tried at every place of a text where a number may begin."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wyoming_servers.text.scripts import is_cjk

NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?:\.\d++)?"
"""A whole or decimal number, with or without commas between thousands."""
NO_LETTER_BEFORE: Final = r"(?<![A-Za-z])"


@dataclass(frozen=True, slots=True)
class RewriteRule:
    """What to say for what `pattern` matches; `rewrite` returns None when the match is something else after all."""

    pattern: re.Pattern[str]
    rewrite: Callable[[re.Match[str]], str | None]


def rule(pattern: str, rewrite: str | Callable[[re.Match[str]], str | None]) -> RewriteRule:
    """Return a rule for `pattern`; a `rewrite` that is text is always said."""
    return RewriteRule(re.compile(pattern), (lambda _: rewrite) if isinstance(rewrite, str) else rewrite)


def only_after(look_behind: str, rules: Sequence[RewriteRule]) -> list[RewriteRule]:
    """Return `rules` restricted to places where `look_behind` holds."""
    return [RewriteRule(re.compile(look_behind + each.pattern.pattern), each.rewrite) for each in rules]


class NumberRewriter:
    """Go once through a text; at every match of `start` the first rule that fits is applied.

    Patterns must be bounded or possessive, so that the time is linear in the length of the text.
    """

    def __init__(self, start: re.Pattern[str], rules: Sequence[RewriteRule], *, between: str = "") -> None:
        """Try `rules` in their order; their patterns may look behind.

        `between` is put for a space between two numbers, for scripts in which they would run together.
        """
        self._start = start
        self._rules = tuple(rules)
        self._between = between

    def rewrite(self, text: str) -> str:
        """Return `text` with the rules applied, with spaces where words would grow together."""
        out: list[str] = []
        done = done_length = 0
        candidate = self._start.search(text)
        while candidate is not None:
            at = candidate.start()
            end, spoken = self._first_fitting(text, at)
            if end > at:
                gap = text[done:at]
                if self._between and gap.isspace() and done_length and done_length + end - at > 2:
                    gap = self._between  # not so between single digits, which are being spelled
                out += [gap, _padded(spoken, text[at - 1 : at], text[end : end + 1])]
                done, done_length = end, end - at
            candidate = self._start.search(text, max(end, at + 1))
        out.append(text[done:])
        return "".join(out)

    def _first_fitting(self, text: str, at: int) -> tuple[int, str]:
        for rule in self._rules:
            match = rule.pattern.match(text, at)
            if match is not None and match.end() > at:
                spoken = rule.rewrite(match)
                if spoken is not None:
                    return match.end(), spoken
        return at, ""


def _padded(spoken: str, before: str, after: str) -> str:
    if not spoken:
        return spoken
    left = " " if _grow_together(before, spoken[0]) else ""
    right = " " if _grow_together(spoken[-1], after) else ""
    return left + spoken + right


def _grow_together(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum() and not (is_cjk(left) and is_cjk(right))
