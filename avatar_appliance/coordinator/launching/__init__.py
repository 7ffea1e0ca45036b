"""Bringing worker processes up and down over a process manager: assignment, start, real probe, sleep, end."""

from __future__ import annotations

from .launchable import Launchable, launchable
from .probe import NotYet, ProbeRefused, WorkerProbe
from .process_launcher import ProcessLauncher
from .sleeper import Sleeper, SleepRefused

__all__ = [
    "Launchable",
    "NotYet",
    "ProbeRefused",
    "ProcessLauncher",
    "SleepRefused",
    "Sleeper",
    "WorkerProbe",
    "launchable",
]
