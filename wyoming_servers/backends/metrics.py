"""How sure an ASR engine is, carried in the free `context` of a Wyoming `transcript`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_KEY = "avatar_metrics"
METRICS = ("avg_logprob", "no_speech_prob", "compression_ratio", "language_probability")


def with_metrics(context: Mapping[str, Any] | None, metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return the context with the engine's figures added."""
    return {**(context or {}), _KEY: {name: value for name, value in metrics.items() if math.isfinite(value)}}


def take_metrics(context: object) -> dict[str, float]:
    """Return the figures in a transcript's context; empty for workers that send none, or nonsense."""
    found = context.get(_KEY) if isinstance(context, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    values = {name: found.get(name) for name in METRICS}
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    }
