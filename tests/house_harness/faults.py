"""What can go wrong with Home Assistant, switched on by a test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class Faults:
    """All off at the beginning."""

    tokens: set[str] = field(default_factory=lambda: {"good-token"})
    is_administrator: bool = True
    mcp_missing: bool = False
    intents_missing: bool = False
    hanging_tools: set[str] = field(default_factory=set)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the end, so that what hangs can go."""
    hanging_intents: bool = False
    silent_socket: bool = False
    """The WebSocket API accepts and says nothing."""
    extra_tools: int = 0
