"""Turns: what servers report about stages, and the joiner that makes turns of them.

The names of the joiner are imported when first used: the data-plane servers need the reports only, and no
database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .report import ENDED_EVENT, STARTED_EVENT, StagePart, StageReport, StageStarted

if TYPE_CHECKING:
    from .errors import StageInterrupted
    from .joiner import TurnJoiner, TurnsChanged
    from .rules import JoinRules

__all__ = [
    "ENDED_EVENT",
    "STARTED_EVENT",
    "JoinRules",
    "StageInterrupted",
    "StagePart",
    "StageReport",
    "StageStarted",
    "TurnJoiner",
    "TurnsChanged",
]

_LATER = {
    "JoinRules": ".rules",
    "StageInterrupted": ".errors",
    "TurnJoiner": ".joiner",
    "TurnsChanged": ".joiner",
}


def __getattr__(name: str) -> Any:
    """Import what only the control plane needs."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name], __name__), name)
