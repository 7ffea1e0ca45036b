"""A decision of the coordinator as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from avatar_appliance.coordinator.decision import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision with the time of day; `kind` is a text, so that an older program can read a newer one's rows."""

    at: float
    """Epoch seconds."""
    kind: str
    text: str
    worker: str | None = None
    device: str | None = None
    lease_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, decision: Decision, at: float) -> Self:
        """Return the record of a decision taken at `at` (epoch seconds)."""
        return cls(
            at=at,
            kind=decision.kind,
            text=decision.text,
            worker=decision.worker,
            device=decision.device,
            lease_id=decision.lease_id,
            detail=decision.detail,
        )
