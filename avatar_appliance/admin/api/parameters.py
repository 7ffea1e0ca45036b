"""Query parameters that several resources share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from avatar_appliance.config.section import Language
from avatar_appliance.store import MAX_PAGE_ROWS

Id = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Moment = Annotated[
    AwareDatetime,
    Field(description="ISO 8601 with a zone (`2025-11-23T08:00:00Z`; write `+` as `%2B`), or epoch seconds."),
]


class Parameters(BaseModel):
    """Query parameters; unknown ones are refused, since a misspelt filter must not mean "no filter"."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PageParameters(Parameters):
    """Which page of a list."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE_ROWS)
    """Most items of the page."""
    cursor: Annotated[str, StringConstraints(max_length=400)] | None = None
    """`next_cursor` of the page before."""


class TimeParameters(Parameters):
    """A span of time."""

    since: Moment | None = None
    """From this moment on (included)."""
    until: Moment | None = None
    """Up to this moment (excluded)."""

    @property
    def since_epoch_s(self) -> float | None:
        """`since` in epoch seconds."""
        return None if self.since is None else self.since.timestamp()

    @property
    def until_epoch_s(self) -> float | None:
        """`until` in epoch seconds."""
        return None if self.until is None else self.until.timestamp()


class ListParameters(PageParameters, TimeParameters):
    """What all lists can be filtered by."""

    satellite: Id | None = None
    """Home Assistant's id of the satellite."""
    language: Language | None = None
    """A language tag; `zh` also finds `zh-TW`."""
