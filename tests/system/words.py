"""Word error rate, as `avatar bench` counts it."""

from __future__ import annotations

from avatar_appliance.transcripts.word_errors import count_errors


def error_rate(reference: str, heard: str, language: str = "en") -> float:
    """Return errors per word (per character for Chinese)."""
    count = count_errors(reference, heard, language)
    return count.errors / count.length
