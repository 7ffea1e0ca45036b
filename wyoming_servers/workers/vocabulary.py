"""Bounded reading of the vocabulary a client may send with `transcribe`."""

from __future__ import annotations

MAX_WORDS = 500
MAX_WORD_CHARS = 80


def words(value: object) -> tuple[str, ...]:
    """Return the usable strings of a client's list, in order and without repeats; anything else is empty."""
    if not isinstance(value, list):
        return ()
    usable = (" ".join(v.split())[:MAX_WORD_CHARS] for v in value[:MAX_WORDS] if isinstance(v, str))
    return tuple(dict.fromkeys(word for word in usable if word))
