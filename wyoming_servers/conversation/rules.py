"""The rules a model is given, in the language of the question: the owner's, else ours."""

from __future__ import annotations

from collections.abc import Mapping

from avatar_appliance.config.prompts import PromptSettings

from .persona import of_language
from .prompt_texts import acting_rules, condensing_rules, talking_rules


class Rules:
    """Knows what the owner wrote."""

    def __init__(self, prompts: Mapping[str, PromptSettings]) -> None:
        self._prompts = prompts

    def acting(self, language: str) -> str:
        """Return the rules for a model that has tools."""
        own = of_language(self._prompts, language)
        return (own.acting if own else None) or acting_rules(language)

    def talking(self, language: str) -> str:
        """Return the rules for a model that has none, in a house that others control."""
        own = of_language(self._prompts, language)
        return (own.talking if own else None) or talking_rules(language)

    def condensing(self, language: str) -> str:
        """Return how a model is asked to condense a conversation."""
        own = of_language(self._prompts, language)
        return (own.condensing if own else None) or condensing_rules(language)
