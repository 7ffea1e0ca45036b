"""A scripted OpenAI-compatible chat endpoint, the fake of the LLM role."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from avatar_appliance.config.workers import FakeWorker

from .fake_life import FakeLife


class _ReadyServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._ready()


def serve_fake_llm(settings: FakeWorker, life: FakeLife, socket: Path, ready: Callable[[], None]) -> None:
    """Serve on `socket` until SIGTERM; `ready` is called once it answers. Raises MemoryError."""
    life.defy()
    life.load()
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    config = uvicorn.Config(
        fake_llm_app(settings), uds=str(socket), log_level="warning", lifespan="off", timeout_graceful_shutdown=1
    )

    def up() -> None:
        life.defy()  # uvicorn has just taken SIGTERM for itself
        ready()

    _ReadyServer(config, up).run()


def fake_llm_app(settings: FakeWorker) -> FastAPI:
    """Return the app: /v1/models and /v1/chat/completions, streamed or not, with the scripted faults."""
    app = FastAPI(openapi_url=None)
    served = 0

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "fake", "object": "model", "created": 0, "owned_by": "avatar"}]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        nonlocal served
        served += 1
        fault = settings.fault if served > settings.fault_after else "none"
        body = await request.json()
        users = [m["content"] for m in body["messages"] if m["role"] == "user"]
        answer = settings.answer.format(text=users[-1] if users else "", turn=len(users))
        await asyncio.sleep(settings.latency_s)
        if fault == "error":
            return JSONResponse({"error": {"message": "scripted error", "type": "server_error"}}, status_code=500)
        if fault == "hang":
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return Response(status_code=499)
        if fault == "exit":
            os._exit(70)
        if fault == "garbage":
            return Response(b"\x00\x01 this is no JSON", media_type="application/json")
        if body.get("stream"):
            return StreamingResponse(_stream(answer, settings, fault), media_type="text/event-stream")
        return JSONResponse(_completion(answer))

    return app


async def _stream(answer: str, settings: FakeWorker, fault: str) -> AsyncIterator[str]:
    words = answer.split(" ")
    for index, word in enumerate(words):
        piece = word if index == 0 else f" {word}"
        yield _event({"index": 0, "delta": {"content": piece}, "finish_reason": None})
        if fault == "drop":
            raise ConnectionResetError("scripted drop")
        await asyncio.sleep(settings.chunk_interval_s)
    yield _event({"index": 0, "delta": {}, "finish_reason": "stop"})
    yield "data: [DONE]\n\n"


def _event(choice: dict[str, Any]) -> str:
    chunk = {"id": "fake", "object": "chat.completion.chunk", "created": int(time.time()), "model": "fake"}
    return f"data: {json.dumps({**chunk, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def _completion(answer: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    created = int(time.time())
    return {"id": "fake", "object": "chat.completion", "created": created, "model": "fake", "choices": [choice]}
