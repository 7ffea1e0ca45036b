"""Home Assistant's answer to an intent, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class IntentResponse:
    """What Home Assistant says became of an intent."""

    succeeded: frozenset[str] = frozenset()
    """Entity ids."""
    failed: frozenset[str] = frozenset()
    """Entity ids."""
    error: str | None = None
    """Home Assistant's error code in kebab-case (`no-valid-targets`); None where it was carried out."""
    slots: Mapping[str, Any] = field(default_factory=dict)
    """What its answer speaks of beside the question's slots (timers, how many were cancelled)."""

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """Read an answer of the intent API or of an intent's tool; what is missing counts as done with no detail."""
        data = answer.get("data")
        data = data if isinstance(data, Mapping) else {}
        if answer.get("response_type") == "error":
            return cls(error=str(data.get("code") or "failed_to_handle").replace("_", "-"))
        slots = answer.get("speech_slots")
        return cls(
            _entity_ids(data.get("success")),
            _entity_ids(data.get("failed")),
            slots=slots if isinstance(slots, Mapping) else {},
        )


def _entity_ids(targets: Any) -> frozenset[str]:
    if not isinstance(targets, list):
        return frozenset()
    return frozenset(
        str(target["id"]) for target in targets if isinstance(target, Mapping) and "." in str(target.get("id"))
    )
