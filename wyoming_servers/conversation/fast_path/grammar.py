"""Sentence templates of one language, as Home Assistant's own agent has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, Final

import yaml
from hassil import Intents
from hassil.util import merge_dict
from home_assistant_intents import get_intents, get_languages

from wyoming_servers.house.acting.intent_table import INTENTS
from wyoming_servers.text.language import parse_language

_REFERENCE: Final = re.compile(r"\{[^}]*\}|<[^>]*>")
_LITERAL: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_HAN: Final = re.compile("[\u3400-\u9fff]")
# The Chinese of Taiwan first, then what else is written in the same characters.
_CHINESE_ORDERS: Final = {
    "TW": ("zh-TW", "zh-CN"),
    "HK": ("zh-HK", "zh-TW"),
    "CN": ("zh-CN", "zh-TW"),
}


@dataclass(frozen=True)
class Grammar:
    """The templates of one language and what the intents answer."""

    language: str
    intents: Intents
    responses: dict[str, dict[str, str]]
    errors: dict[str, str]

    @cached_property
    def own_words(self) -> frozenset[str]:
        """The words its templates consist of, folded: "turn", "lights", 打開."""
        rules = self.intents.expansion_rules.values()
        templates = [
            *(text for intent in self.intents.intents.values() for data in intent.data for text in data.sentence_texts),
            *(rule.text or "" for rule in rules),
        ]
        literal = (word for template in templates for word in _LITERAL.findall(_REFERENCE.sub(" ", template)))
        return frozenset(word.casefold() for word in literal)

    @property
    def is_chinese(self) -> bool:
        """Whether names in it are compared by how they sound in Mandarin."""
        return self.language.startswith("zh")

    @property
    def is_simplified(self) -> bool:
        """Whether it is written in Simplified characters."""
        return parse_language(self.language).is_simplified_chinese


@lru_cache(maxsize=8)
def grammar_of(language: str) -> Grammar | None:
    """Return the grammar of a language the package ships (`zh-TW`), without the intents we do not handle."""
    data: dict[str, Any] | None = get_intents(language) if language in get_languages() else None
    if data is None:
        return None
    if (ours := _own_sentences(language)) is not None:
        merge_dict(data, ours)
    data["intents"] = {name: intent for name, intent in data["intents"].items() if name in INTENTS}
    responses = data.get("responses", {})
    return Grammar(language, Intents.from_dict(data), responses.get("intents", {}), responses.get("errors", {}))


def _own_sentences(language: str) -> dict[str, Any] | None:
    file = resources.files(__package__) / "sentences" / f"{language}.yaml"
    return yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None


def grammars_for(text: str, language: str) -> list[Grammar]:
    """Return the grammars to try, best first.

    The script of the text decides between English and Chinese: in a house that speaks both, the language of the
    request is that of the pipeline, not of the sentence.
    """
    tag = parse_language(language)
    if _HAN.search(text) and tag.primary not in ("ja", "yue"):
        region = tag.region if tag.primary == "zh" and tag.region in _CHINESE_ORDERS else "TW"
        if tag.is_simplified_chinese:
            region = "CN"
        wanted = list(_CHINESE_ORDERS[region])
    elif tag.primary in ("zh", "en"):
        wanted = ["en"]
    else:
        wanted = [f"{tag.primary}-{tag.region}" if tag.region else tag.primary, tag.primary]
    return [grammar for name in dict.fromkeys(wanted) if (grammar := grammar_of(name)) is not None]
