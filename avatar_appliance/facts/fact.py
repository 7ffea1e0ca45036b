"""The noun: one fact about one person."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

LearnedBy = Literal["phrase", "model"]
"""`phrase`: the person said "remember that ..."; `model`: a language model called its tool."""

MAX_FACT_CHARS = 500
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
FactId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Speaker = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
FactText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FACT_CHARS)]
Epoch = Annotated[float, Field(ge=0, le=1e11)]

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The think stage something was said in, named as its report names it."""

    __pydantic_config__ = _STRICT

    connection_id: Id
    started_at: Epoch
    """Epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing a person wants remembered, in their own words; the words are kept out of the `repr`, and so of logs."""

    __pydantic_config__ = _STRICT

    id: FactId
    text: FactText = field(repr=False)
    learned_by: LearnedBy
    created_at: Epoch
    """Epoch seconds: when it was said, the last time if more than once."""
    speaker: Speaker | None = None
    """Whose it is; None: somebody nobody recognised."""
    language: Id | None = None
    conversation_id: Id | None = None
    turn_id: Id | None = None
    """The turn it was said in; None where the history has no such turn (any more)."""


def same_words(text: str) -> str:
    """Return what is equal for two texts that say the same, whatever their case, width, spaces and final stop."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in plain if char.isalnum())
