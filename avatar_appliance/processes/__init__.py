"""Processes: what runs, how it is, and the manager of children behind `avatar up`."""

from __future__ import annotations

from .changes import ChangeStream, StatusChanges
from .children import START_ORDER, Children
from .errors import (
    ProcessFailed,
    ProcessNotReady,
    ProcessUnknown,
    SystemdRefused,
    SystemdUnavailable,
    UnitDenied,
)
from .parent_death import die_with_parent
from .process import ProcessSpec, ProcessState, ProcessStatus
from .protocol import ProcessManager
from .readiness import wait_ready
from .restart_policy import EX_CONFIG, RestartPolicy

__all__ = [
    "EX_CONFIG",
    "START_ORDER",
    "ChangeStream",
    "Children",
    "ProcessFailed",
    "ProcessManager",
    "ProcessNotReady",
    "ProcessSpec",
    "ProcessState",
    "ProcessStatus",
    "ProcessUnknown",
    "RestartPolicy",
    "StatusChanges",
    "SystemdRefused",
    "SystemdUnavailable",
    "UnitDenied",
    "die_with_parent",
    "wait_ready",
]
