"""Why something was done (or not): a record that panel, MQTT and log can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DecisionKind = Literal[
    "start", "ready", "stop", "stopped", "sleep", "asleep", "wake", "failed", "crashed", "grant", "degrade", "deny",
    "surprise", "shed", "residue", "guest-mode", "device", "wish", "canary",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision of the scheduler; texts name workers, devices and bytes, never what anybody said."""

    kind: DecisionKind
    at_s: float
    """By the coordinator's monotonic clock."""
    text: str
    worker: str | None = None
    device: str | None = None
    lease_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
