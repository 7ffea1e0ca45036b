"""A decision of the coordinator as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel

from avatar_appliance.store import DecisionRecord, Page

from .times import moment


class DecisionView(BaseModel):
    """What was decided and why; the text is for people."""

    at: datetime
    kind: str
    text: str
    worker: str | None
    device: str | None
    lease_id: str | None
    detail: Mapping[str, Any]

    @classmethod
    def of(cls, record: DecisionRecord) -> Self:
        """Return a record."""
        return cls(
            at=moment(record.at),
            kind=record.kind,
            text=record.text,
            worker=record.worker,
            device=record.device,
            lease_id=record.lease_id,
            detail=record.detail,
        )


class DecisionPage(BaseModel):
    """Decisions, newest first; `next_cursor` is null on the last page."""

    items: list[DecisionView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[DecisionRecord]) -> Self:
        """Return a page of records."""
        return cls(items=[DecisionView.of(record) for record in page.items], next_cursor=page.next_cursor)
