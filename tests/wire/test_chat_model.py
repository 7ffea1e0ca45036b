"""What a chat endpoint is asked beside answers: whether it is awake, and how urgent a request is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from wire_harness.engines import fake
from wire_harness.house import House

from avatar_appliance.config.gpu_workers import VllmWorker
from avatar_appliance.config.workers import OpenAIWorker
from avatar_appliance.errors import WorkerUnavailable
from avatar_appliance.leases import Urgency
from wyoming_servers.backends.chat_model import ChatModel, Message


class Vllm:
    """Lists its model awake and asleep, as vLLM does; `asleep` is what it says, None: it has no such endpoint."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.asleep: Any = None
        self.bodies: list[dict[str, Any]] = []

        @self.app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"data": [{"id": "qwen"}]}

        @self.app.get("/is_sleeping")
        async def is_sleeping() -> Any:
            if self.asleep is None:
                return JSONResponse({"detail": "Not Found"}, status_code=404)
            return JSONResponse(self.asleep)

        @self.app.post("/v1/chat/completions")
        async def chat(request: Request) -> Any:
            self.bodies.append(await request.json())
            lines = 'data: {"choices": [{"delta": {"content": "ok"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
            return StreamingResponse(iter([lines]), media_type="text/event-stream")


def vllm(**settings: Any) -> VllmWorker:
    return VllmWorker(engine="vllm", model="/models/qwen", **settings)


async def test_a_model_that_sleeps_is_away_for_a_probe_which_does_not_wake_it(house: House) -> None:
    endpoint = Vllm()
    await house.llm_worker("chat", endpoint.app)
    model = ChatModel("chat", vllm(), house.runtime_dir)
    endpoint.asleep = {"is_sleeping": True}
    with pytest.raises(WorkerUnavailable):
        await model.probe()
    endpoint.asleep = {"is_sleeping": False}
    await model.probe()
    assert endpoint.bodies == []
    await model.aclose()


@pytest.mark.parametrize("answer", [None, {}, [], "yes", {"is_sleeping": "true"}])
async def test_who_does_not_say_that_he_sleeps_is_awake(house: House, answer: Any) -> None:
    endpoint = Vllm()
    endpoint.asleep = answer
    await house.llm_worker("chat", endpoint.app)
    model = ChatModel("chat", vllm(), house.runtime_dir)
    await model.probe()
    await model.aclose()


@pytest.mark.parametrize("settings", [vllm(sleep_level=0), fake("llm")])
async def test_who_never_sleeps_is_not_asked(house: House, settings: Any) -> None:
    endpoint = Vllm()
    endpoint.asleep = {"is_sleeping": True}
    await house.llm_worker("chat", endpoint.app)
    model = ChatModel("chat", settings, house.runtime_dir)
    await model.probe()
    await model.aclose()


async def test_a_model_that_is_down_is_away(house: House) -> None:
    model = ChatModel("chat", vllm(), house.runtime_dir)
    with pytest.raises(WorkerUnavailable):
        await model.probe()
    await model.aclose()


@pytest.mark.parametrize("takes_priority", [True, False])
async def test_the_urgency_is_told_only_to_whom_it_means_something(house: House, takes_priority: bool) -> None:
    endpoint = Vllm()
    await house.llm_worker("chat", endpoint.app)
    model = ChatModel("chat", vllm(), house.runtime_dir, takes_priority=takes_priority)
    for urgency in (Urgency.FIRST, Urgency.BACKGROUND):
        answer = await model.open([Message("user", "hi")], max_tokens=16, temperature=0, urgency=urgency)
        assert [piece async for piece in answer] == ["ok"]
    expected = [1, 3] if takes_priority else [None, None]  # lower goes first
    assert [body.get("priority") for body in endpoint.bodies] == expected
    await model.aclose()


class Endpoint:
    """Answers any number of requests on a connection, and counts those; `ends`: whether a response is ever complete."""

    HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    EVENTS = (b'data: {"choices": [{"delta": {"content": "ok"}, "finish_reason": "stop"}]}\n\n', b"data: [DONE]\n\n")

    def __init__(self, *, ends: bool) -> None:
        self.ends = ends
        self.connections = 0
        self._serving: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def model(self) -> AsyncIterator[ChatModel]:
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            settings = OpenAIWorker(engine="openai", base_url=f"http://127.0.0.1:{port}/v1", model="any")  # type: ignore[arg-type]
            model = ChatModel("chat", settings, Path())
            yield model
            await model.aclose()
            await asyncio.gather(*self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                writer.write(self.HEAD)
                for event in self.EVENTS:
                    writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                    await writer.drain()
                    await asyncio.sleep(0)  # its end is a packet of its own
                if self.ends:
                    writer.write(b"0\r\n\r\n")
        writer.close()


async def test_the_next_question_uses_the_same_connection() -> None:
    endpoint = Endpoint(ends=True)
    async with endpoint.model() as model:
        for _ in range(3):
            answer = await model.open([Message("user", "hi")], max_tokens=16, temperature=0)
            assert [piece async for piece in answer] == ["ok"]
    assert endpoint.connections == 1


async def test_an_answer_is_over_with_its_last_event_even_where_the_response_never_ends() -> None:
    endpoint = Endpoint(ends=False)
    async with endpoint.model() as model, asyncio.timeout(30):
        for _ in range(2):
            answer = await model.open([Message("user", "hi")], max_tokens=16, temperature=0)
            assert [piece async for piece in answer] == ["ok"]
    assert endpoint.connections == 2
