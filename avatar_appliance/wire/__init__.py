"""The Wyoming wire form, bounded: shared by the data plane and the control socket."""

from __future__ import annotations

from .framing import FrameLimits, event_bytes, open_reader, read_event, read_sized_event, write_event
from .parsing import parse_event
from .unix_server import UnixServer, UnixSocket, listen_unix

__all__ = [
    "FrameLimits",
    "UnixServer",
    "UnixSocket",
    "event_bytes",
    "listen_unix",
    "open_reader",
    "parse_event",
    "read_event",
    "read_sized_event",
    "write_event",
]
