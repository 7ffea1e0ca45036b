"""What a chat endpoint is asked beside answers: whether it is awake, and how urgent a request is."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from wire_harness.engines import fake
from wire_harness.house import House

from avatar_appliance.config.gpu_workers import VllmWorker
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
