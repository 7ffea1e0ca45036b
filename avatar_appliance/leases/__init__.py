"""Leases: a request's right to use a worker, asked of the coordinator over its unix socket.

Light on purpose: the data plane imports it. docs/coordinator.md has the protocol.
"""

from __future__ import annotations

from .urgency import Urgency

__all__ = ["Urgency"]
