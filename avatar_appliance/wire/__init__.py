"""The Wyoming wire form, bounded: shared by the data plane and the control socket."""

from __future__ import annotations

from .framing import FrameLimits, open_reader, read_event, read_sized_event, write_event
from .parsing import parse_event

__all__ = ["FrameLimits", "open_reader", "parse_event", "read_event", "read_sized_event", "write_event"]
