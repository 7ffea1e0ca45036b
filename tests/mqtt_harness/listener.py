"""A client that hears everything and can say something."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiomqtt

TIMEOUT_S = 30.0


class Listener:
    """What came, in order, and what is retained."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._changed = asyncio.Event()
        self.heard: list[tuple[str, str]] = []
        self.retained: set[str] = set()
        """Topics of which the broker had kept something when we came."""

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, port: int, **options: Any) -> AsyncIterator[Listener]:
        """Connect to the broker at `port` and listen to everything until left."""
        async with aiomqtt.Client("127.0.0.1", port, timeout=TIMEOUT_S, **options) as client:
            listener = cls(client)
            await client.subscribe("#", qos=1)
            listening = asyncio.create_task(listener._listen())
            try:
                yield listener
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish."""
        await self._client.publish(topic, payload, qos=1, retain=retain)

    def has(self, topic: str, part: str) -> bool:
        """Whether a payload with `part` in it came on `topic`."""
        return any(heard == topic and part in payload for heard, payload in self.heard)

    async def until(self, topic: str, fits: Callable[[str], object] = lambda _: True, *, after: int = 0) -> str:
        """Return the first payload on `topic` that fits, among all heard from number `after` on, or still to come."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    for heard_topic, payload in self.heard[after:]:
                        if heard_topic == topic and fits(payload):
                            return payload
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"nothing that fits on {topic}; there was: {self.heard[after:]}") from None

    async def until_json(self, topic: str, *, after: int = 0, **values: Any) -> dict[str, Any]:
        """Return the first object on `topic` that has these values."""

        def fits(payload: str) -> bool:
            tree = json.loads(payload)
            return all(tree.get(key) == value for key, value in values.items())

        found: dict[str, Any] = json.loads(await self.until(topic, fits, after=after))
        return found

    async def _listen(self) -> None:
        async for message in self._client.messages:
            topic = message.topic.value
            if message.retain:
                self.retained.add(topic)
            self.heard.append((topic, message.payload.decode(errors="replace")))
            self._changed.set()
