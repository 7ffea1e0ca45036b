"""What people asked the assistant to remember about them. Light: the data plane uses it, the store keeps it."""

from __future__ import annotations

from .fact import MAX_FACT_CHARS, Fact, LearnedBy, Origin, same_words

__all__ = ["MAX_FACT_CHARS", "Fact", "LearnedBy", "Origin", "same_words"]
