"""What the assistant keeps about people."""

from __future__ import annotations

from pydantic import Field

from .section import Section


class MemorySettings(Section):
    """Facts that people ask to be remembered ("remember that I take no sugar"), per person."""

    enabled: bool = True
    """Whether facts are learned and used. Switched off, nothing is forgotten and nothing is used."""
    learn_from_unknown: bool = False
    """Whether something is kept for somebody whose voice nobody recognised: then it counts for all such people."""
    model_may_remember: bool = True
    """Whether a language model that takes tools may remember and forget by itself when a person asks it to in other
    words than the fixed phrases."""
    max_facts: int = Field(default=100, ge=1, le=200)
    """Most facts of one person that are kept; beyond that the oldest goes."""
    prompt_facts: int = Field(default=12, ge=0, le=100)
    """Most facts of the person who speaks that a model sees: those about the question, then the newest."""
    prompt_tokens: int = Field(default=300, ge=0, le=4000)
    """Most tokens of the prompt that they may take."""
