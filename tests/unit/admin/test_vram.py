"""Who has the memory, what would fit, what was decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.store import DecisionRecord, Store

from .fake_coordinator import GIB, GPU, FakeCoordinator


async def test_the_state_tells_devices_workers_requests_and_decisions(
    client: httpx.AsyncClient, coordinator: FakeCoordinator
) -> None:
    coordinator.decide("vllm starts on cuda:0", worker="vllm", device="cuda:0")
    coordinator.decide("piper starts on cpu", at_s=6.0, worker="piper")
    state = (await client.get("/api/vram")).json()
    gpu = state["devices"][0]
    assert (gpu["device"], gpu["name"], gpu["temperature_c"]) == ("cuda:0", "NVIDIA GeForce RTX 3090", 41)
    assert (gpu["usable_bytes"], gpu["budget_bytes"], gpu["room_bytes"]) == (23.5 * GIB, 21 * GIB, 12 * GIB)
    assert gpu["charges"] == {"vllm": 8 * GIB}
    assert gpu["foreign_processes"] == [{"pid": 99, "name": "cs2", "used_bytes": GIB}]
    assert state["devices"][1]["foreign_processes"] is None
    assert state["waiting"][0]["urgency"] == "first"
    assert state["guest_mode"] == {"mode": "auto", "until": None, "guests": {}}
    assert [decision["text"] for decision in state["decisions"]] == ["piper starts on cpu", "vllm starts on cuda:0"]
    assert state["decisions"][0]["at"] == "2023-11-14T22:13:26Z"
    assert state["notes"] == ["cuda:0: pids are hidden"]


async def test_a_lost_gpu_is_told_as_such(client: httpx.AsyncClient, coordinator: FakeCoordinator) -> None:
    coordinator.devices = [replace(GPU, reading=None, lost=True)]
    gpu = (await client.get("/api/vram")).json()["devices"][0]
    assert (gpu["lost"], gpu["usable_bytes"], gpu["name"]) == (True, None, "")


async def plan(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/api/vram/plan", params=query)
    assert answer.status_code == 200, answer.text
    return {worker["name"]: worker for worker in answer.json()["workers"]} | {"all_fit": answer.json()["all_fit"]}


async def test_the_plan_says_who_is_loaded_and_who_goes_for_whom(client: httpx.AsyncClient) -> None:
    workers = await plan(client)
    assert workers["vllm"]["fit"] == "resident"
    assert workers["big-llm"]["fit"] == "external"
    # 15 GiB beside 8 and 1 of a stranger are too many for 21, and a lower priority sends nobody away.
    assert workers["cosyvoice"]["fit"] == "no"
    assert "needs 15 GiB on cuda:0" in workers["cosyvoice"]["text"]
    assert workers["all_fit"] is False


async def test_the_plan_for_a_larger_gpu_ignores_who_is_on_the_real_one(client: httpx.AsyncClient) -> None:
    workers = await plan(client, gpu="48GiB")
    assert workers["cosyvoice"]["fit"] == "beside"
    assert workers["all_fit"] is True


async def test_a_plan_of_some_workers_loads_them_all(client: httpx.AsyncClient) -> None:
    workers = await plan(client, worker=["cosyvoice"])
    assert workers.keys() == {"cosyvoice", "all_fit"}
    assert workers["cosyvoice"]["fit"] == "resident"


async def test_the_plan_keeps_to_the_ceilings_in_force(
    client: httpx.AsyncClient, coordinator: FakeCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    tight = replace(coordinator.state(), policy=SchedulerPolicy(gpu_ceiling=0.3))
    monkeypatch.setattr(coordinator, "state", lambda: tight)
    assert (await plan(client))["vllm"]["fit"] == "no"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"worker": "nobody"}, 404),
        ({"gpu": "24"}, 200),
        ({"gpu": "24G"}, 400),
        ({"gpu": "0"}, 400),
        ({"gpus": "1"}, 400),
    ],
)
async def test_a_plan_that_cannot_be_made_is_refused(
    client: httpx.AsyncClient, query: dict[str, str], status: int
) -> None:
    assert (await client.get("/api/vram/plan", params=query)).status_code == status


async def test_decisions_are_paged_from_the_store(client: httpx.AsyncClient, store: Store) -> None:
    await store.decisions.add(
        [DecisionRecord(at=float(n), kind="start", text=f"number {n}", worker="f5", detail={"n": n}) for n in range(3)]
    )
    await store.decisions.add([DecisionRecord(at=9.0, kind="deny", text="denied: no room")])
    first = (await client.get("/api/vram/decisions", params={"limit": 2})).json()
    assert [item["text"] for item in first["items"]] == ["denied: no room", "number 2"]
    rest = (await client.get("/api/vram/decisions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [(item["text"], item["detail"]) for item in rest["items"]] == [
        ("number 1", {"n": 1}),
        ("number 0", {"n": 0}),
    ]
    assert rest["next_cursor"] is None
    denied = (await client.get("/api/vram/decisions", params={"kind": "deny"})).json()
    assert [item["worker"] for item in denied["items"]] == [None]


async def test_without_a_coordinator_the_answer_says_so(client: httpx.AsyncClient, app: FastAPI) -> None:
    deps: AdminDependencies = app.state.dependencies
    app.state.dependencies = replace(deps, coordinator=None)
    answer = await client.get("/api/vram")
    assert (answer.status_code, answer.json()["code"]) == (503, "shutting-down")
