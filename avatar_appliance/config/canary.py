"""The `canary` section: the appliance talks to itself while nobody else does."""

from __future__ import annotations

from pydantic import Field

from .section import Section


class CanarySettings(Section):
    """A sentence spoken and heard by the models that are up, while the house is silent; two misses restart a worker."""

    enabled: bool = True
    """Whether to do it."""
    interval_s: float = Field(default=600, ge=5, le=86_400)
    """Seconds between two tries, give or take a tenth."""
    quiet_s: float = Field(default=60, ge=0, le=86_400)
    """Seconds that no model must have been in use before a try."""
    timeout_s: float = Field(default=30, ge=1, le=600)
    """Seconds each model may take."""
