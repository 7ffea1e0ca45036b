"""Every error is problem details, and none of them repeats what people said."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import NoReturn

import httpx
import pytest
from fastapi import FastAPI, Request

from avatar_appliance.errors import WorkerFailed

SAID = "my secret is 4711"


def _is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and body["type"] == "about:blank"
        and body["status"] == status
        and body["code"] == code
        and all(body[name] for name in ("title", "detail", "hint"))
        and isinstance(body["retryable"], bool)
    )


@pytest.mark.parametrize("path", ["/static/", "/api", "/api/turns/", "/api/nothing", "/api/turns/x/y"])
async def test_an_unknown_path_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert _is_problem(await client.get(path), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/turns"), ("PUT", "/health"), ("PATCH", "/api/turns/x")])
async def test_a_method_that_is_not_there_is_405(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert _is_problem(answer, 405, "method-not-allowed")
    assert "allow" in answer.headers


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/turns?limit=many", "limit"),
        ("/api/turns?limit=0", "limit"),
        ("/api/turns?limit=201", "limit"),
        ("/api/turns?status=4711", "status"),
        ("/api/turns?since=4711-4711", "since"),
        ("/api/turns?since=2025-11-23T08:00:00", "since"),
        ("/api/turns?until=2025-13-01", "until"),
        ("/api/turns?language=4711", "language"),
        ("/api/turns?satellite=", "satellite"),
        ("/api/turns?q=" + "4711" * 51, "q"),
        ("/api/turns?satelite=4711", "satelite"),
        ("/api/conversations?limit=4711", "limit"),
        ("/api/conversations?speaker=4711", "speaker"),
        ("/api/conversations/x?limit=4711", "limit"),
        ("/api/turns/x/audio/sideways", "direction"),
        ("/api/turns/x/audio/out?part=0", "part"),
        ("/api/turns?cursor=" + "4711" * 101, "cursor"),
    ],
)
async def test_a_wrong_parameter_is_named_and_its_value_is_not_repeated(
    client: httpx.AsyncClient, path: str, field: str
) -> None:
    answer = await client.get(path)
    assert _is_problem(answer, 400, "bad-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert field in answer.json()["detail"]
    assert "4711" not in answer.text
    assert "sideways" not in answer.text


@pytest.mark.parametrize("query", ["cursor=4711", "q=" + "+".join("123456789")])
async def test_what_the_store_refuses_is_a_bad_request_too(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/turns?{query}")
    assert _is_problem(answer, 400, "bad-request")
    assert "4711" not in answer.text


@pytest.fixture
def broken(app: FastAPI, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The application with routes that go wrong."""

    @app.get("/api/broken", response_model=None)
    async def broken() -> NoReturn:
        raise RuntimeError(SAID)

    @app.get("/api/failing", response_model=None)
    async def failing() -> NoReturn:
        raise WorkerFailed("the worker broke")

    @app.get("/api/wrong-shape")
    async def wrong_shape() -> int:
        return SAID  # type: ignore[return-value]

    @app.post("/api/body")
    async def body(request: Request, content: dict[str, str]) -> int:
        return len(content)

    return client


@pytest.mark.parametrize("path", ["/api/broken", "/api/wrong-shape"])
async def test_a_defect_says_nothing_about_itself(
    broken: httpx.AsyncClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = await broken.get(path)
    assert _is_problem(answer, 500, "internal")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert SAID not in answer.text
    assert SAID not in caplog.text
    assert "defect in the HTTP API" in caplog.text


async def test_an_error_we_can_name_keeps_its_code_and_status(broken: httpx.AsyncClient) -> None:
    answer = await broken.get("/api/failing")
    assert _is_problem(answer, 502, "worker-failed")
    assert answer.json()["retryable"] is True
    assert answer.json()["title"] == "Bad Gateway"


async def test_a_body_that_is_no_json_is_a_bad_request(broken: httpx.AsyncClient) -> None:
    answer = await broken.post("/api/body", content=f'{{"{SAID}', headers={"Content-Type": "application/json"})
    assert _is_problem(answer, 400, "bad-request")
    assert SAID not in answer.text


async def test_a_body_of_the_right_size_arrives(broken: httpx.AsyncClient) -> None:
    assert (await broken.post("/api/body", json={"a": "b" * 60_000})).json() == 1


async def test_a_large_body_is_refused_whether_it_is_announced_or_not(broken: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 10_000

    json_type = {"Content-Type": "application/json"}
    announced = await broken.post("/api/body", content=b" " * 100_000, headers=json_type)
    streamed = await broken.post("/api/body", content=chunks(), headers=json_type)
    assert "content-length" not in streamed.request.headers
    assert _is_problem(announced, 413, "request-too-large")
    assert _is_problem(streamed, 413, "request-too-large")


@pytest.mark.parametrize("path", ["/health", "/api/turns", "/api/nothing", "/api/openapi.json"])
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "no-store" in headers["cache-control"]
    assert "access-control-allow-origin" not in headers
