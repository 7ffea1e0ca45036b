"""Read and write Wyoming events with limits.

The library's own reader trusts `data_length` and `payload_length` (one line can ask for all memory), ends without a
word on bad JSON, and raises on a half message. Frame: one JSON line, then `data_length` bytes of JSON merged over the
line's `data`, then `payload_length` raw bytes (wyoming 1.10.2, event.py).
"""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass
from typing import Any

from wyoming.event import Event, async_write_event
from wyoming.event import write_event as write_event_now

from avatar_appliance.errors import BadRequest, FrameTooLarge

# No Wyoming event nests deeper than a handful of levels (`info` has six). Python's parser takes about a thousand, but
# whatever it took must also be written again elsewhere, from a deeper call stack.
MAX_NESTING = 64
# What JSON costs as Python objects, per byte, at worst ("[[],[],...").
MEMORY_PER_JSON_BYTE = 24


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Largest parts of one event, in bytes."""

    header_bytes: int = 64 * 1024
    data_bytes: int = 2**20
    payload_bytes: int = 2**21


async def open_reader(
    uri_path: str | None = None, host: str | None = None, port: int | None = None, *, limits: FrameLimits
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a unix socket or to host and port, with the reader's line limit set to the header limit.

    Raises OSError when nobody listens there.
    """
    if uri_path is not None:
        return await asyncio.open_unix_connection(uri_path, limit=limits.header_bytes)
    return await asyncio.open_connection(host, port, limit=limits.header_bytes)


async def read_event(reader: asyncio.StreamReader, limits: FrameLimits) -> Event | None:
    """Return the next event, or None at the end of the stream (also in the middle of an event: nobody is left to tell).

    `reader` must have been made with `limit=limits.header_bytes`.
    Raises FrameTooLarge for a part beyond `limits`, BadRequest for anything that is no Wyoming event.
    """
    sized = await read_sized_event(reader, limits)
    return sized[0] if sized else None


async def read_sized_event(reader: asyncio.StreamReader, limits: FrameLimits) -> tuple[Event, int] | None:
    """Do as `read_event`, and tell about how many bytes of memory the event holds."""
    try:
        line = await reader.readline()
    except ValueError:  # asyncio's word for a line over the reader's limit
        raise FrameTooLarge(f"header line longer than {limits.header_bytes} bytes") from None
    if not line.endswith(b"\n"):
        return None
    header = _json_object(line, "header")
    kind = header.get("type")
    if not isinstance(kind, str) or not kind:
        raise BadRequest("event header without a `type`")
    data = header.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise BadRequest("`data` of an event must be an object")
    data_length = _length(header, "data_length", limits.data_bytes)
    payload_length = _length(header, "payload_length", limits.payload_bytes)
    try:
        if data_length:
            data = {**data, **_json_object(await reader.readexactly(data_length), "data")}
        payload = await reader.readexactly(payload_length) if payload_length else None
    except asyncio.IncompleteReadError:
        return None
    size_bytes = payload_length + MEMORY_PER_JSON_BYTE * (len(line) + data_length)
    return Event(type=kind, data=data, payload=payload), size_bytes


async def write_event(writer: asyncio.StreamWriter, event: Event) -> None:
    """Write one event and wait until the transport took it; raises OSError when the peer is gone."""
    await async_write_event(event, writer)


def event_bytes(event: Event) -> bytes:
    """Return the wire form of an event, for small ones that are written without waiting for the peer."""
    buffer = io.BytesIO()
    write_event_now(event, buffer)
    return buffer.getvalue()


def _json_object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise BadRequest(f"event {what} is not JSON") from None
    if not isinstance(value, dict):
        raise BadRequest(f"event {what} is not a JSON object")
    # Both checks walk the whole value, so only where a glance at the bytes says that there may be something to find.
    if raw.count(b"{") + raw.count(b"[") > MAX_NESTING or rb"\ud" in raw.lower():
        _check(value, what, 0)
    return value


def _check(value: object, what: str, depth: int) -> None:
    """Refuse what could not be passed on as JSON in UTF-8: too deep nesting, and halves of surrogate pairs."""
    if depth > MAX_NESTING:
        raise BadRequest(f"event {what} is nested more than {MAX_NESTING} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, what, depth)
            _check(item, what, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, what, depth + 1)
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadRequest(f"event {what} holds text that is no Unicode") from None


def _length(header: dict[str, Any], key: str, limit: int) -> int:
    value = header.get(key)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadRequest(f"`{key}` must be a number of bytes")
    if value > limit:
        raise FrameTooLarge(f"`{key}` is larger than the limit of {limit} bytes")
    return value
