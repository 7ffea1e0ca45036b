"""One token of a chat model, and what else may come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from avatar_appliance.coordinator.launching import NotYet, ProbeRefused
from avatar_appliance.coordinator.launching.chat_probe import ChatProbe

if TYPE_CHECKING:
    from .conftest import HttpServer

MODELS = {"data": [{"id": "qwen3-8b"}]}
TOKEN = {"choices": [{"message": {"content": "Hi"}}]}


async def test_it_asks_for_one_token_of_the_model_that_is_listed(http: HttpServer) -> None:
    http.answers = {"GET /v1/models": (200, MODELS), "POST /v1/chat/completions": (200, TOKEN)}
    await ChatProbe(http.socket).check()
    [body] = http.bodies
    assert (body["model"], body["max_tokens"]) == ("qwen3-8b", 1)


@pytest.mark.parametrize("path", ["GET /v1/models", "POST /v1/chat/completions"])
async def test_a_model_that_still_loads_is_asked_again_later(http: HttpServer, path: str) -> None:
    http.answers = {"GET /v1/models": (200, MODELS), "POST /v1/chat/completions": (200, TOKEN), path: (503, {})}
    with pytest.raises(NotYet):
        await ChatProbe(http.socket).check()


@pytest.mark.parametrize(
    ("models", "completion", "text"),
    [
        ((200, {"data": []}), (200, TOKEN), "it does not list its models"),
        ((200, b"<html>"), (200, TOKEN), "it does not list its models"),
        ((401, {"error": "no key"}), (200, TOKEN), "HTTP 401: no key"),
        ((200, MODELS), (400, {"error": {"message": "no chat\ntemplate"}}), "HTTP 400: no chat template"),
        ((200, MODELS), (500, {"message": "CUDA Error: out of memory"}), "HTTP 500: CUDA Error: out of memory"),
        ((200, MODELS), (500, b"x" * 1000), f"HTTP 500: {'x' * 300}"),
        ((200, MODELS), (500, b""), "HTTP 500"),
        ((200, MODELS), (200, {"choices": []}), "its answer is no chat completion"),
        ((200, MODELS), (0, b""), "it hung up in the middle of its first request"),
    ],
)
async def test_any_other_answer_is_a_refusal_with_its_reason(
    http: HttpServer, models: tuple[int, object], completion: tuple[int, object], text: str
) -> None:
    http.answers = {"GET /v1/models": models, "POST /v1/chat/completions": completion}
    with pytest.raises(ProbeRefused) as refused:
        await ChatProbe(http.socket).check()
    assert refused.value.text == text
