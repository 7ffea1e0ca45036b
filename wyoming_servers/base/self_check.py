"""Ask our own server what Home Assistant asks first: one that hangs, or is out of descriptors, cannot answer."""

from __future__ import annotations

from wyoming.info import Describe

from avatar_appliance.wire import FrameLimits, open_reader, read_event, write_event

_LIMITS = FrameLimits(header_bytes=2**20, data_bytes=2**24, payload_bytes=2**20)
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


async def describe_ourselves(host: str, port: int) -> None:
    """Return once the server that listens on `host` (as it was told to bind) has answered `describe`.

    Any answer will do: one that is full, and says so, is well. Raises OSError where there is none; waits for ever where
    the server hangs.
    """
    reader, writer = await open_reader(host=_LOOPBACK.get(host, host), port=port, limits=_LIMITS)
    try:
        await write_event(writer, Describe().event())
        if await read_event(reader, _LIMITS) is None:
            raise ConnectionResetError("the server hung up without an answer")
    finally:
        writer.transport.abort()
