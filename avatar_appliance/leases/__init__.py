"""Leases: a request's right to use a worker, asked of the coordinator over its unix socket.

Light on purpose: the data plane imports it (`leases.client`), and the scheduler its `Urgency`, which brings no socket.
docs/coordinator.md has the protocol.
"""

from __future__ import annotations

from .urgency import Urgency

__all__ = ["Urgency"]
