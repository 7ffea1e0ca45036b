"""The base of every Wyoming server of ours: bounded frames, deadlines, cancellation, drain."""

from __future__ import annotations

from .handler import Handler
from .idle import IDLE, WAIT_IDLE
from .inbox import Inbox
from .request import Request
from .server import WyomingServer

__all__ = ["IDLE", "WAIT_IDLE", "Handler", "Inbox", "Request", "WyomingServer"]
