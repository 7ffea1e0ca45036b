"""vLLM's sleep mode, through the endpoints it has with VLLM_SERVER_DEV_MODE=1 and --enable-sleep-mode."""

from __future__ import annotations

from pathlib import Path

import httpx

from .sleeper import SleepRefused
from .worker_http import error_text, worker_client

OFFLOAD = 1
"""The weights go to pinned host memory, the KV cache is dropped."""
DISCARD = 2
"""Both are dropped; waking loads the weights anew."""


class VllmSleeper:
    """Puts a vLLM server on a unix socket to sleep; the first time takes seconds (it pins memory), later ones 0.2 s."""

    def __init__(self, socket: Path, *, level: int = OFFLOAD) -> None:
        self._socket = socket
        self._level = level

    async def sleep(self) -> None:
        """Let running requests end, then sleep; raises SleepRefused."""
        # Not "abort": going to sleep in the middle of a request has crashed engines (vllm-project/vllm 28714).
        await self._post("/sleep", level=self._level, mode="wait")

    async def wake(self) -> None:
        """Wake; raises SleepRefused ("out of memory" where somebody took the room: it sleeps on unharmed)."""
        if self._level < DISCARD:
            await self._post("/wake_up")
            return
        # In this order the weights never need room beside the KV cache.
        await self._post("/wake_up", tags="weights")
        await self._post("/collective_rpc", {"method": "reload_weights"})
        await self._post("/wake_up", tags="kv_cache")

    async def is_sleeping(self) -> bool:
        """Return whether it sleeps; its health does not tell. Raises SleepRefused."""
        async with worker_client(self._socket) as client:
            try:
                response = await client.get("/is_sleeping")
                answer = response.raise_for_status().json()["is_sleeping"]
            except httpx.HTTPStatusError as error:
                raise SleepRefused(error_text(error.response)) from None
            except httpx.TransportError:
                raise SleepRefused("it does not answer") from None
            except (ValueError, LookupError, TypeError, RecursionError):
                raise SleepRefused("it does not say whether it sleeps") from None
        return answer is True

    async def _post(self, path: str, body: object = None, **query: str | int) -> None:
        async with worker_client(self._socket) as client:
            try:
                response = await client.post(path, params=query, json=body)
            except httpx.TransportError:
                raise SleepRefused("it hung up") from None
        if response.status_code != httpx.codes.OK:
            raise SleepRefused(error_text(response))
