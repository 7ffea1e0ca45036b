"""The templates that can match at all, given which names a sentence holds.

Matching tries every template. Most of them need a name, a room or a floor, and a look at the sentence says which of
those are in it: what needs one that is not there is left out beforehand, and so are templates about other kinds of
things than those named. Nothing that would have matched is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hassil import Intents
from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference, Sentence
from hassil.intents import Intent, IntentData

PLACES: Final = frozenset({"name", "area", "floor"})
_MAX_KEPT: Final = 128
_MAX_DEPTH: Final = 24


@dataclass(frozen=True)
class _Block:
    intent: str
    data: IntentData
    needs: frozenset[str]
    domains: frozenset[str]
    """Of which its `{name}` must be one; empty: any."""


class Narrowing:
    """Chooses among the templates of one grammar."""

    def __init__(self, intents: Intents) -> None:
        self._intents = intents
        self._blocks = [
            block
            for intent in intents.intents.values()
            for data in intent.data
            for block in _blocks(intent, data, intents)
        ]
        self._kept: dict[tuple[frozenset[str], bool, bool], Intents] = {}

    def for_names(self, domains: frozenset[str], *, area: bool, floor: bool) -> Intents:
        """Return the templates for a sentence with names of these domains (none: no name), with a room, a floor."""
        key = (domains, area, floor)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            found = self._kept[key] = self._narrow(domains, area=area, floor=floor)
        return found

    def _narrow(self, domains: frozenset[str], *, area: bool, floor: bool) -> Intents:
        there = frozenset(
            name for name, is_there in (("name", bool(domains)), ("area", area), ("floor", floor)) if is_there
        )
        intents: dict[str, Intent] = {}
        for block in self._blocks:
            if block.needs <= there and ("name" not in block.needs or not block.domains or block.domains & domains):
                intents.setdefault(block.intent, Intent(block.intent)).data.append(block.data)
        return replace(self._intents, intents=intents)


def _blocks(intent: Intent, data: IntentData, intents: Intents) -> list[_Block]:
    """Split a block of templates by what they need."""
    rules = {**intents.expansion_rules, **data.expansion_rules}
    groups: dict[frozenset[str], list[str]] = {}
    for sentence in data.sentences:
        groups.setdefault(_needs(sentence.expression, rules, 0), []).append(sentence.text or "")
    required = data.requires_context.get("domain")
    domains = frozenset([required] if isinstance(required, str) else required or ())
    if len(groups) == 1:
        return [_Block(intent.name, data, next(iter(groups)), domains)]
    return [_Block(intent.name, replace(data, sentence_texts=texts), needs, domains) for needs, texts in groups.items()]


def _needs(expression: Expression, rules: Mapping[str, Sentence], depth: int) -> frozenset[str]:
    """The places without which an expression cannot match."""
    if depth > _MAX_DEPTH:
        return frozenset()
    if isinstance(expression, ListReference):
        return PLACES & {expression.list_name}
    if isinstance(expression, RuleReference):
        rule = rules.get(expression.rule_name)
        return _needs(rule.expression, rules, depth + 1) if rule is not None else frozenset()
    if isinstance(expression, Group):
        needs = [_needs(item, rules, depth + 1) for item in expression.items]
        if isinstance(expression, Alternative):
            return frozenset.intersection(*needs) if needs and not expression.is_optional else frozenset()
        return frozenset().union(*needs)
    return frozenset()
