"""Who the assistant is, in the language of the question."""

from __future__ import annotations

from collections.abc import Mapping


def persona(personas: Mapping[str, str], language: str) -> str:
    """Return the persona of a language: the exact tag, else its bare language, else the first one given."""
    tag = _tag(language)
    exact = (text for key, text in personas.items() if _tag(key) == tag)
    related = (text for key, text in personas.items() if _tag(key).split("-")[0] == tag.split("-")[0])
    return next(exact, None) or next(related, None) or next(iter(personas.values()))


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()
