"""A scripted model that calls tools: one answer after another, whatever it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse


@dataclass(frozen=True)
class Call:
    """One tool call of an answer."""

    name: str
    arguments: Any = field(default_factory=dict)
    """A string goes out as it is."""

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Dies:
    """The connection breaks here."""


@dataclass(frozen=True)
class Fails:
    """Instead of an answer: an error of the endpoint."""


Piece = str | Call | Dies | Fails

# How a request for a summary begins.
CONDENSE = ("Write notes of the conversation below", "請為下面的對話寫下")


class ActingLlm:
    """An OpenAI-compatible endpoint; `bodies` is what it was asked."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.answers: list[Any] = []
        """What comes next: lists of pieces."""
        self.bodies: list[dict[str, Any]] = []
        self.read: list[list[dict[str, Any]]] = []
        """The messages of what it was only to read, for its prefix cache; not in `bodies` either."""
        self.condensing: list[list[dict[str, Any]]] = []
        """The messages of what it was asked to condense, which is not in `bodies`."""
        self.summaries: list[str] = []
        """What comes of that, one after another; the last one stays."""
        self.condense = asyncio.Event()
        """Waited for after `condenses_at_once` summaries."""
        self.condenses_at_once = 10**6
        self.most_chars: int | None = None
        """What fits into its window; None: everything."""
        self.refused = 0
        self.gone = 0
        self.go = asyncio.Event()
        self.go.set()

        @self.app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"data": [{"id": "test"}]}

        @self.app.post("/v1/chat/completions")
        async def chat(request: Request) -> Any:
            body = await request.json()
            if self.most_chars is not None and len(str(body["messages"])) > self.most_chars:
                self.refused += 1
                message = "the request exceeds the available context size (n_ctx)"
                return JSONResponse({"error": {"message": message}}, status_code=400)
            if body["messages"][0]["content"].startswith(CONDENSE):
                self.condensing.append(body["messages"])
                return StreamingResponse(self._condensed(), media_type="text/event-stream")
            if body["max_tokens"] == 1:
                self.read.append(body["messages"])
                return StreamingResponse(self._stream([]), media_type="text/event-stream")
            self.bodies.append(body)
            answer = self.answers.pop(0) if self.answers else ["I have nothing more to say."]
            if Fails() in answer:
                return JSONResponse({"error": {"message": "scripted"}}, status_code=500)
            return StreamingResponse(self._stream(answer), media_type="text/event-stream")

    @property
    def last(self) -> list[dict[str, Any]]:
        """The messages of the last request."""
        messages: list[dict[str, Any]] = self.bodies[-1]["messages"]
        return messages

    async def _condensed(self) -> AsyncIterator[str]:
        try:
            if len(self.condensing) > self.condenses_at_once:
                await self.condense.wait()
            summary = self.summaries[0] if self.summaries else "They spoke."
            del self.summaries[: len(self.summaries) > 1]
            yield _event({"content": summary}) + _event({}, "stop") + "data: [DONE]\n\n"
        finally:
            self.gone += 1

    async def _stream(self, answer: list[Piece]) -> AsyncIterator[str]:
        index = 0
        try:
            yield _event({"role": "assistant", "content": ""})
            for piece in answer:
                if isinstance(piece, Dies):
                    raise ConnectionResetError("scripted end")
                if isinstance(piece, str):
                    yield _event({"content": piece})
                elif isinstance(piece, Call):
                    head = {"index": index, "id": f"id{index}", "type": "function"}
                    text = piece.text
                    yield _event({"tool_calls": [{**head, "function": {"name": piece.name, "arguments": text[:5]}}]})
                    yield _event({"tool_calls": [{"index": index, "function": {"arguments": text[5:]}}]})
                    index += 1
                await self.go.wait()
            yield _event({}, "tool_calls" if index else "stop")
            usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 90}}
            yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"
        finally:
            self.gone += 1


def _event(delta: dict[str, Any], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n"
