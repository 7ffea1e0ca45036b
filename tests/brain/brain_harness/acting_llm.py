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


class ActingLlm:
    """An OpenAI-compatible endpoint; `bodies` is what it was asked."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.answers: list[Any] = []
        """What comes next: lists of pieces."""
        self.bodies: list[dict[str, Any]] = []
        self.gone = 0
        self.go = asyncio.Event()
        self.go.set()

        @self.app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"data": [{"id": "test"}]}

        @self.app.post("/v1/chat/completions")
        async def chat(request: Request) -> Any:
            body = await request.json()
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
