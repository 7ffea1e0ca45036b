"""The probe of a chat model: its list of models, then one token."""

from __future__ import annotations

from pathlib import Path

import httpx

from .probe import NotYet, ProbeRefused
from .worker_http import error_text, worker_client

_AWAY = (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS)


class ChatProbe:
    """Has an OpenAI-compatible server on a unix socket complete one token.

    Its health alone would not do: vLLM's is 200 while the model sleeps.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def check(self) -> None:
        """Return when a token came; raises NotYet or ProbeRefused."""
        async with worker_client(self._socket) as client:
            model = await self._model(client)
            body = {
                "model": model,
                "messages": [{"role": "user", "content": "Hi"}],
                "max_tokens": 1,
                "temperature": 0,
            }
            try:
                response = await client.post("/v1/chat/completions", json=body)
            except httpx.TransportError:
                raise ProbeRefused("it hung up in the middle of its first request") from None
            _check(response)
            try:
                response.json()["choices"][0]
            except (ValueError, LookupError, TypeError, RecursionError):
                raise ProbeRefused("its answer is no chat completion") from None

    async def _model(self, client: httpx.AsyncClient) -> str:
        try:
            response = await client.get("/v1/models")
        except httpx.TransportError:
            raise NotYet from None
        _check(response)
        try:
            return str(response.json()["data"][0]["id"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ProbeRefused("it does not list its models") from None


def _check(response: httpx.Response) -> None:
    if response.status_code in _AWAY:  # llama.cpp while it loads
        raise NotYet
    if response.status_code != httpx.codes.OK:
        raise ProbeRefused(error_text(response))
