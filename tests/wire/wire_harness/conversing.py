"""Asking a conversation server, and an endpoint for it to ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from wyoming.asr import Transcript
from wyoming.event import Event

from wire_harness.clients import ask

ECHO = "{turn}: {text}"


async def converse(uri: str, text: str, language: str | None = "en", conversation: str | None = "c1") -> list[Event]:
    """Ask and return everything up to the final answer."""
    context = {"conversation_id": conversation} if conversation else None
    transcript = Transcript(text, language=language, context=context)
    return await ask(uri, transcript, until=["handled", "not-handled"])


async def answer(uri: str, text: str, language: str | None = "en", conversation: str | None = "c1") -> str:
    event = (await converse(uri, text, language, conversation))[-1]
    assert event.type == "handled", event.data
    return str(event.data["text"])


async def apology(uri: str, text: str = "hello", language: str = "en") -> str:
    event = (await converse(uri, text, language))[-1]
    assert event.type == "not-handled", event.data
    return str(event.data["text"])


class ScriptedLlm:
    """An endpoint of the test's own: remembers what it was asked, answers what it is told."""

    def __init__(self, *pieces: str, status: int = 200, error: str = "") -> None:
        self.app = FastAPI(openapi_url=None)
        self.asked: list[list[dict[str, str]]] = []
        self.read: list[list[dict[str, str]]] = []
        """Of that, what it was only to read, for its prefix cache."""
        self.gone = 0
        self.go = asyncio.Event()
        self.go.set()
        self.pieces = pieces
        self.most_messages = 10_000

        @self.app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"data": [{"id": "test"}]}

        @self.app.post("/v1/chat/completions")
        async def chat(request: Request) -> Any:
            body = await request.json()
            if len(body["messages"]) > self.most_messages:
                message = "the request exceeds the available context size"
                return JSONResponse({"error": {"message": message}}, status_code=400)
            self.asked.append(body["messages"])
            if body["max_tokens"] == 1:
                self.read.append(body["messages"])
            if status != 200:
                return JSONResponse({"error": {"message": error}}, status_code=status)
            return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        try:
            for piece in self.pieces:
                yield f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n"
                await self.go.wait()
            yield 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
        finally:
            self.gone += 1


def memory_of(served: Any) -> Any:
    """Return what a conversation server remembers."""
    return served.server.handler._agent._memory
