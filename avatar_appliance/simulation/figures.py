"""What a simulated worker really takes, as against what its `WorkerSpec` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Mishap = Literal[
    "crash-at-start",
    "hang-at-start",
    "config",
    "crash-in-use",
    "crash-asleep",
    "will-not-sleep",
    "will-not-wake",
    "will-not-die",
    "leaves-residue",
]

START_TIMEOUT_S = 150.0
"""After that a start that hangs is given up."""
KILL_AFTER_S = 10.0
"""SIGKILL for whoever does not heed SIGTERM."""


@dataclass(slots=True, kw_only=True)
class WorkerFigures:
    """Bytes and seconds of one worker; mutable, for things change in the course of a day."""

    rest_bytes: int
    peak_bytes: int
    start_s: float
    growth_bytes: int = 0
    """What it holds more once it was used (first use: workspaces, graphs)."""
    sleep_bytes: int = 0
    host_bytes: int = 0
    stop_s: float = 0.6
    first_sleep_s: float = 0.15
    """The first time in a life (vLLM pins host memory then)."""
    sleep_s: float = 0.15
    wake_s: float = 0.4
    return_lag_s: float = 0.1
    """From the end of its process until its memory is back."""
    odds: Mapping[Mishap, float] = field(default_factory=dict)
    """How likely things go wrong, each time they could."""
