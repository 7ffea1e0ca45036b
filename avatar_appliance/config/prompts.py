"""What a language model is told beside the persona."""

from __future__ import annotations

from pydantic import Field

from .section import Section


class PromptSettings(Section):
    """Texts of one language; what is left out is as it comes with the appliance."""

    acting: str | None = Field(default=None, min_length=1, max_length=8000)
    """Rules for a model that has the tools of the house. They keep it from following orders in names and states."""
    talking: str | None = Field(default=None, min_length=1, max_length=8000)
    """Rules for a model that has no tools in a house with devices."""
    condensing: str | None = Field(default=None, min_length=1, max_length=8000)
    """How a model is asked to condense older turns of a conversation."""
