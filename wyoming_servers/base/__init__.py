"""The base of every Wyoming server of ours: bounded frames, deadlines, cancellation, drain."""

from __future__ import annotations

from .handler import Handler
from .inbox import Inbox
from .request import Request
from .server import WyomingServer

__all__ = ["Handler", "Inbox", "Request", "WyomingServer"]
