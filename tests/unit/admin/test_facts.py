"""What people want remembered, over the HTTP API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from avatar_appliance.facts import Fact, Origin
from avatar_appliance.store import Store

from .conftest import MakeTurn


async def remember(store: Store, text: str, speaker: str | None = "Anna", at: float = 1000.0) -> Fact:
    origin = Origin(connection_id="c", started_at=at)
    return await store.facts.remember(text, learned_by="phrase", origin=origin, at=at, speaker=speaker, language="en")


async def texts(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/api/facts", params=query)
    assert answer.status_code == 200, answer.text
    return [item["text"] for item in answer.json()["items"]]


async def test_facts_are_listed_and_searched(client: httpx.AsyncClient, store: Store) -> None:
    await remember(store, "I like tea", at=1)
    await remember(store, "我不吃辣", speaker="Ben", at=2)
    await remember(store, "I live here", speaker=None, at=3)
    assert await texts(client) == ["I live here", "我不吃辣", "I like tea"]
    assert await texts(client, speaker="Ben", q="吃辣") == ["我不吃辣"]
    assert await texts(client, unknown="true") == ["I live here"]
    page = (await client.get("/api/facts", params={"limit": 2})).json()
    assert await texts(client, limit=2, cursor=page["next_cursor"]) == ["I like tea"]


async def test_a_fact_tells_who_when_and_in_which_turn(
    client: httpx.AsyncClient, store: Store, save_turn: MakeTurn
) -> None:
    turn = await save_turn(1000)
    think = next(stage for stage in turn.stages if stage.kind == "think")
    fact = await store.facts.remember(
        "I like tea",
        learned_by="phrase",
        origin=Origin(connection_id=think.connection_id, started_at=think.started_at),
        at=1000,
        speaker="Anna",
        language="en",
        conversation_id="c1",
    )
    shown = (await client.get(f"/api/facts/{fact.id}")).json()
    assert shown == {
        "id": fact.id, "speaker": "Anna", "text": "I like tea", "language": "en", "learned_by": "phrase",
        "conversation_id": "c1", "turn_id": turn.id,
        "created_at": "1970-01-01T00:16:40Z",
    }  # fmt: skip


async def test_one_fact_is_deleted_for_good(client: httpx.AsyncClient, store: Store) -> None:
    fact = await remember(store, "I like tea")
    assert (await client.delete(f"/api/facts/{fact.id}")).status_code == 204
    assert (await client.delete(f"/api/facts/{fact.id}")).status_code == 404
    assert await texts(client) == []


async def test_many_facts_are_deleted_only_when_it_is_meant(client: httpx.AsyncClient, store: Store) -> None:
    await remember(store, "I like tea")
    await remember(store, "I play chess")
    await remember(store, "I like tea", speaker="Ben")
    refused = await client.delete("/api/facts", params={"speaker": "Anna"})
    assert (refused.status_code, refused.json()["code"], refused.json()["matching"]) == (409, "confirmation-needed", 2)
    done = await client.delete("/api/facts", params={"speaker": "Anna", "confirm": "yes"})
    assert done.json() == {"facts_deleted": 2}
    assert (await client.delete("/api/facts", params={"all": "true", "confirm": "yes"})).json() == {"facts_deleted": 1}


@pytest.mark.parametrize("query", [{}, {"all": "true", "speaker": "Anna"}, {"speaker": "Anna", "unknown": "true"}])
async def test_a_deletion_that_does_not_say_what_is_refused(
    client: httpx.AsyncClient, store: Store, query: dict[str, str]
) -> None:
    await remember(store, "I like tea")
    assert (await client.delete("/api/facts", params={**query, "confirm": "yes"})).status_code == 400
    assert await texts(client) == ["I like tea"]
