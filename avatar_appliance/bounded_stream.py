"""Values on their way from one who must never wait to a task that may be slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

Item = TypeVar("Item")


class BoundedStream(Generic[Item]):
    """`async for item in stream`, of everything put since it was opened; close it, or use `with`.

    A slow reader never holds anybody up: beyond `limit` waiting items it loses some, the oldest unless a subclass knows
    better.
    """

    def __init__(self, on_close: Callable[[Any], None], limit: int = 256) -> None:
        self._on_close = on_close
        self._limit = limit
        self._waiting: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, item: Item) -> None:
        """Add an item for the reader; never waits."""
        if self._closed:
            return
        self._waiting.append(item)
        if len(self._waiting) > self._limit:
            self._drop_one()
        self._wake.set()

    def close(self) -> None:
        """End the stream: what waits is still read, then the iteration ends."""
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

    async def __anext__(self) -> Item:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()

    def _drop_one(self) -> None:
        self._waiting.popleft()
