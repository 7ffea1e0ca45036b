"""Tables of words, written as plain text."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of `text`, which are separated by whitespace."""
    return frozenset(text.split())
