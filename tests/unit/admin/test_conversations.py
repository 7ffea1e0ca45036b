from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from avatar_appliance.admin import conversation_search
from avatar_appliance.store import Store

from .conftest import MakeTurn


async def _all(client: httpx.AsyncClient, **query: str | int) -> tuple[list[str], int]:
    """Follow the pages to the end; return the ids and how many pages there were."""
    ids: list[str] = []
    cursor: dict[str, str | int] = {}
    for pages in range(1, 100):
        page = (await client.get("/api/conversations", params=query | cursor)).json()
        ids += [conversation["id"] for conversation in page["items"]]
        if page["next_cursor"] is None:
            return ids, pages
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the pages have no end")


async def test_conversations_are_listed_the_latest_first(client: httpx.AsyncClient, save_turn: MakeTurn) -> None:
    await save_turn(1000, conversation_id="old", language="en", satellite_id="kitchen")
    await save_turn(2000, conversation_id="new")
    await save_turn(3000, conversation_id="old")
    await save_turn(4000)
    answer = (await client.get("/api/conversations")).json()
    assert [conversation["id"] for conversation in answer["items"]] == ["old", "new"]
    assert answer["items"][0]["turn_count"] == 2
    assert answer["items"][0]["last_turn_at"] == "1970-01-01T00:50:02Z"  # when it ended
    assert answer["next_cursor"] is None


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
async def test_pages_follow_each_other_without_gap_or_repetition(
    client: httpx.AsyncClient, save_turn: MakeTurn, limit: int
) -> None:
    for number in range(8):
        await save_turn(1000 + number // 3, conversation_id=f"talk-{number}")
    ids, pages = await _all(client, limit=limit)
    assert sorted(ids) == [f"talk-{number}" for number in range(8)]
    assert pages == -(-8 // limit)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"satellite": "kitchen"}, ["c", "a"]),
        ({"language": "ZH"}, ["b"]),
        ({"language": "z"}, []),
        ({"since": 2000}, ["c", "b"]),
        ({"until": 2000}, ["a"]),
        ({"since": 2000, "until": 3000}, ["b"]),
        ({"satellite": "kitchen", "until": 3000}, ["a"]),
    ],
)
async def test_filters(
    client: httpx.AsyncClient, save_turn: MakeTurn, query: dict[str, str], expected: list[str]
) -> None:
    await save_turn(1000, conversation_id="a", satellite_id="kitchen", language="en")
    await save_turn(2000, conversation_id="b", satellite_id="bath", language="zh-TW")
    await save_turn(3000, conversation_id="c", satellite_id="kitchen")
    if query.get("language") == "z":
        assert (await client.get("/api/conversations", params=query)).status_code == 400
    else:
        assert (await _all(client, **query))[0] == expected
        assert (await _all(client, **query, limit=1))[0] == expected


async def test_one_request_looks_at_a_bounded_number_of_rows(
    client: httpx.AsyncClient, save_turn: MakeTurn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rare match costs several requests, each with a cursor to go on, and is found all the same."""
    monkeypatch.setattr(conversation_search, "MAX_PAGE_ROWS", 2)
    monkeypatch.setattr(conversation_search, "_MAX_SCANNED", 4)
    for number in range(11):
        await save_turn(1000 + number, conversation_id=f"talk-{number}", satellite_id="bath" if number else "attic")
    first = (await client.get("/api/conversations?satellite=attic")).json()
    assert first["items"] == []
    assert first["next_cursor"] is not None
    assert await _all(client, satellite="attic") == (["talk-0"], 3)


@pytest.mark.parametrize("name", ["01JD", "a/b", "客廳 1", "a?b#c", "." * 3, "%2F"])
async def test_a_conversation_has_its_turns_whatever_its_id(
    client: httpx.AsyncClient, save_turn: MakeTurn, name: str
) -> None:
    turns = [await save_turn(1000 + number, conversation_id=name) for number in range(3)]
    await save_turn(1001, conversation_id="another")
    path = f"/api/conversations/{quote(name, safe='')}"
    found = (await client.get(path, params={"limit": 2})).json()
    assert found["conversation"]["id"] == name
    assert found["conversation"]["turn_count"] == 3
    assert [turn["id"] for turn in found["turns"]["items"]] == [turns[2].id, turns[1].id]
    rest = (await client.get(path, params={"cursor": found["turns"]["next_cursor"]})).json()
    assert [turn["id"] for turn in rest["turns"]["items"]] == [turns[0].id]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_conversation_that_is_not_there_is_not_found(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/api/conversations/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_deleting_a_conversation_deletes_its_turns_and_recordings(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, wav: bytes
) -> None:
    await save_turn(1000, conversation_id="gone", heard=wav)
    await save_turn(1001, conversation_id="gone", spoken=[wav])
    stays = await save_turn(1002, conversation_id="stays", heard=wav)
    answer = await client.delete("/api/conversations/gone")
    assert answer.json() == {"turns_deleted": 2}
    assert [turn.id for turn in (await store.turns.list()).items] == [stays.id]
    assert stays.audio_in is not None
    assert await store.audio.names() == {stays.audio_in.name}
    assert (await client.get("/api/conversations/gone")).status_code == 404
