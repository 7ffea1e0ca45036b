"""Endless responses end when the server stops: it waits for its responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


async def until(ending: asyncio.Event, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Yield items until there are no more or `ending` is set."""
    end = asyncio.ensure_future(ending.wait())
    coming: asyncio.Future[Item | None] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(_next(items))
            await asyncio.wait({coming, end}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done() or (item := coming.result()) is None:
                return
            yield item
    finally:
        end.cancel()
        if coming is not None:
            coming.cancel()


async def _next(items: AsyncIterator[Item]) -> Item | None:
    return await anext(items, None)
