"""Who the assistant is, in the language of the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Text = TypeVar("Text")


def persona(personas: Mapping[str, str], language: str) -> str:
    """Return the persona of a language, else the first one given."""
    return of_language(personas, language) or next(iter(personas.values()))


def of_language(texts: Mapping[str, Text], language: str) -> Text | None:
    """Return what is given for a language: the exact tag, else one of the same bare language; None without any."""
    tag = _tag(language)
    exact = (text for key, text in texts.items() if _tag(key) == tag)
    related = (text for key, text in texts.items() if _tag(key).split("-")[0] == tag.split("-")[0])
    return next(exact, None) or next(related, None)


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()
