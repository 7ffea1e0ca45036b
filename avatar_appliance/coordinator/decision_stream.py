"""Decisions on their way to whoever shows them: panel, MQTT, log, store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from .decision import Decision

REMEMBERED = 200
STREAM_LIMIT = 256


class DecisionStream:
    """`async for decision in stream`, within `with`; a slow reader loses the oldest ones, never holds anybody up."""

    def __init__(self, on_close: Callable[[DecisionStream], None]) -> None:
        self._on_close = on_close
        self._waiting: deque[Decision] = deque(maxlen=STREAM_LIMIT)
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, decision: Decision) -> None:
        """Add a decision; never waits."""
        self._waiting.append(decision)
        self._wake.set()

    def close(self) -> None:
        """End the stream: what waits is still read."""
        if not self._closed:
            self._closed = True
            self._on_close(self)
            self._wake.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Decision:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()


class DecisionLog:
    """The last decisions, and the streams of those to come."""

    def __init__(self) -> None:
        self._recent: deque[Decision] = deque(maxlen=REMEMBERED)
        self._streams: list[DecisionStream] = []

    @property
    def recent(self) -> Sequence[Decision]:
        """Return what was decided last, oldest first."""
        return tuple(self._recent)

    def add(self, decision: Decision) -> None:
        """Take a decision and tell everybody."""
        self._recent.append(decision)
        for stream in self._streams:
            stream.put(decision)

    def stream(self) -> DecisionStream:
        """Open a stream of every decision from now on."""
        stream = DecisionStream(self._streams.remove)
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        """End every stream."""
        for stream in tuple(self._streams):
            stream.close()
