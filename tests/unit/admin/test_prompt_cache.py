"""How much of a prompt was in the model's prefix cache, over the HTTP API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from avatar_appliance.store import Stage, Store, Turn, new_turn_id


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        (
            {"prompt_tokens": 1000, "cached_tokens": 875},
            {"prompt_tokens": 1000, "cached_tokens": 875, "hit_rate": 0.875},
        ),
        ({"prompt_tokens": 40, "cached_tokens": 0}, {"prompt_tokens": 40, "cached_tokens": 0, "hit_rate": 0.0}),
        ({"prompt_tokens": 1000}, None),
        ({"prompt_tokens": 0, "cached_tokens": 0}, None),
        ({}, None),
    ],
)
async def test_a_think_stage_shows_its_hits_where_the_endpoint_tells(
    client: httpx.AsyncClient, store: Store, detail: dict[str, Any], shown: dict[str, Any] | None
) -> None:
    turn_id = new_turn_id(1000)
    stage = Stage(id="s", kind="think", connection_id="c", started_at=1000, ended_at=1001, detail=detail)
    await store.turns.save([Turn(id=turn_id, started_at=1000, stages=(stage,))], new=[turn_id], merged=())
    (found,) = (await client.get(f"/api/turns/{turn_id}")).json()["stages"]
    assert found["prompt_cache"] == shown
