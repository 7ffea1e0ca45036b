"""What a person may ask of a worker."""

from __future__ import annotations

import httpx
import pytest

from avatar_appliance.coordinator.control_errors import CommandRefused
from avatar_appliance.errors import NoMemory

from .fake_coordinator import GIB, FakeCoordinator


async def test_workers_are_listed_in_the_order_of_the_ladders(client: httpx.AsyncClient) -> None:
    workers = (await client.get("/api/workers")).json()["items"]
    assert [worker["name"] for worker in workers] == ["vllm", "cosyvoice", "piper", "big-llm"]
    assert workers[0]["memory"] == {
        "rest_bytes": 8 * GIB, "peak_bytes": 9 * GIB, "host_bytes": 3 * GIB, "measured": True,
        "charged_bytes": 8 * GIB, "seen_bytes": 8 * GIB,
    }  # fmt: skip
    assert (workers[1]["state"], workers[1]["last_error"], workers[1]["retry_in_s"]) == (
        "failed", "it ran out of memory", 42.0,
    )  # fmt: skip
    assert workers[3]["external"] is True


async def test_one_worker_can_be_asked_for(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/workers/piper")).json()["pinned"] is True
    nobody = await client.get("/api/workers/nobody")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "worker-unknown")


@pytest.mark.parametrize(
    ("verb", "status", "command"),
    [
        ("start", 202, ("start", "vllm")),
        ("preload", 202, ("preload", "vllm")),
        ("stop", 202, ("stop", "vllm", False)),
        ("stop?force=true", 202, ("stop", "vllm", True)),
        ("sleep", 202, ("sleep", "vllm")),
        ("wake", 202, ("wake", "vllm")),
        ("pin", 200, ("pin", "vllm", True)),
        ("unpin", 200, ("pin", "vllm", False)),
    ],
)
async def test_a_command_reaches_the_coordinator_and_answers_with_the_worker(
    client: httpx.AsyncClient, coordinator: FakeCoordinator, verb: str, status: int, command: tuple[object, ...]
) -> None:
    answer = await client.post(f"/api/workers/vllm/{verb}")
    assert (answer.status_code, answer.json()["name"]) == (status, "vllm")
    assert coordinator.commands == [command]
    assert answer.json()["pinned"] is (verb == "pin")


async def test_a_refusal_says_why(client: httpx.AsyncClient, coordinator: FakeCoordinator) -> None:
    coordinator.refusal = CommandRefused("big-llm runs elsewhere")
    refused = await client.post("/api/workers/big-llm/stop")
    assert (refused.status_code, refused.json()["code"]) == (409, "command-refused")
    assert refused.json()["detail"] == "big-llm runs elsewhere"
    assert refused.headers["content-type"] == "application/problem+json"


async def test_what_does_not_fit_says_what_is_in_the_way_and_when_to_come_back(
    client: httpx.AsyncClient, coordinator: FakeCoordinator
) -> None:
    coordinator.refusal = NoMemory("needs 15 GiB on cuda:0, 12 GiB free, in use: vllm", retry_after_s=1.2)
    denied = await client.post("/api/workers/cosyvoice/start")
    assert (denied.status_code, denied.json()["code"], denied.json()["retryable"]) == (503, "no-memory", True)
    assert denied.json()["detail"] == "needs 15 GiB on cuda:0, 12 GiB free, in use: vllm"
    assert denied.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nobody/start", 404),
        ("No%20Name/start", 400),
        ("vllm/explode", 404),
        ("vllm/stop?force=perhaps", 400),
        ("vllm/stop?gently=1", 400),
    ],
)
async def test_a_wrong_command_is_refused_and_does_nothing(
    client: httpx.AsyncClient, coordinator: FakeCoordinator, path: str, status: int
) -> None:
    assert (await client.post(f"/api/workers/{path}")).status_code == status
    assert coordinator.commands == []


async def test_a_command_is_no_get(client: httpx.AsyncClient, coordinator: FakeCoordinator) -> None:
    """A link in a page must not stop a model."""
    assert (await client.get("/api/workers/vllm/stop")).status_code == 405
    assert coordinator.commands == []
