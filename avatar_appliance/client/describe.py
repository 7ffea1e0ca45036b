"""Ask a server what it offers."""

from __future__ import annotations

from wyoming.info import Describe, Info

from .endpoint import AnyEndpoint

DESCRIBE_TIMEOUT_S = 5.0  # Home Assistant's own limit


async def describe(endpoint: AnyEndpoint, timeout_s: float = DESCRIBE_TIMEOUT_S) -> Info:
    """Return the server's `info`; raises WorkerUnavailable, DeadlineExceeded or ServerError."""
    async with endpoint.connect() as connection:
        await connection.send(Describe())
        while True:
            event = await connection.receive(timeout_s)
            if Info.is_type(event.type):
                return Info.from_event(event)
