from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from .fake_coordinator import FakeCoordinator


async def test_the_gpu_is_lent_for_a_while(client: httpx.AsyncClient, coordinator: FakeCoordinator) -> None:
    answer = (await client.post("/api/guest-mode", json={"mode": "on", "duration_s": 7200})).json()
    assert answer["mode"] == "on"
    assert answer["guests"] == {"cuda:0": "guest mode was switched on"}
    left_s = (datetime.fromisoformat(answer["until"]) - datetime.now(UTC)).total_seconds()
    assert 7100 < left_s <= 7200
    assert coordinator.commands == [("guest_mode", "on", 7200.0)]
    assert (await client.get("/api/guest-mode")).json()["mode"] == "on"


async def test_without_a_time_it_stays(client: httpx.AsyncClient, coordinator: FakeCoordinator) -> None:
    assert (await client.post("/api/guest-mode", json={"mode": "off"})).json()["until"] is None
    assert coordinator.commands == [("guest_mode", "off", None)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "maybe"},
        {"mode": True},
        {"mode": "on", "duration_s": 0},
        {"mode": "on", "duration_s": -5},
        {"mode": "on", "duration_s": 1e9},
        {"mode": "on", "minutes": 5},
        [],
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, coordinator: FakeCoordinator, body: Any
) -> None:
    assert (await client.post("/api/guest-mode", json=body)).status_code == 400
    assert coordinator.commands == []
