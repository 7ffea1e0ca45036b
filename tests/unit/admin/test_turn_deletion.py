"""Deleting many turns needs a filter and a yes."""

from __future__ import annotations

import httpx
import pytest

from avatar_appliance.admin.turn_deletion import TurnSelection
from avatar_appliance.store import Store

from .conftest import MakeTurn


async def _left(store: Store) -> set[str]:
    return {turn.id for turn in (await store.turns.list(limit=200)).items}


@pytest.mark.parametrize("query", ["", "confirm=yes"])
async def test_without_a_filter_nothing_is_deleted(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, query: str
) -> None:
    turn = await save_turn()
    answer = await client.delete(f"/api/turns?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad-request"
    assert await _left(store) == {turn.id}


@pytest.mark.parametrize(
    "query", ["satelite=kitchen&confirm=yes", "since=0&limit=5&confirm=yes", "since=0&q=x&confirm=yes"]
)
async def test_an_unknown_filter_is_refused_rather_than_ignored(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, query: str
) -> None:
    turn = await save_turn()
    assert (await client.delete(f"/api/turns?{query}")).status_code == 400
    assert await _left(store) == {turn.id}


@pytest.mark.parametrize("query", ["satellite=&confirm=yes", "since=0&confirm=no", "since=0&confirm=true"])
async def test_an_empty_filter_or_another_yes_is_refused(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, query: str
) -> None:
    turn = await save_turn()
    assert (await client.delete(f"/api/turns?{query}")).status_code == 400
    assert await _left(store) == {turn.id}


async def test_without_confirmation_it_only_counts(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store
) -> None:
    saved = {(await save_turn(1000 + n, satellite_id="kitchen")).id for n in range(3)}
    answer = await client.delete("/api/turns?satellite=kitchen")
    assert answer.status_code == 409
    assert answer.json()["code"] == "confirmation-needed"
    assert answer.json()["matching"] == 3
    assert await _left(store) == saved


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("satellite=kitchen", "cd"),
        ("speaker=anna", "bd"),
        ("since=2000", "a"),
        ("until=2000", "bcd"),
        ("satellite=kitchen&speaker=anna", "bcd"),
        ("since=3000&until=4000", "abd"),
        ("speaker=nobody", "abcd"),
    ],
)
async def test_a_confirmed_deletion_takes_exactly_what_matches(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, wav: bytes, query: str, expected: str
) -> None:
    saved = {
        "a": await save_turn(1000, satellite_id="kitchen", speaker="anna", heard=wav, spoken=[wav]),
        "b": await save_turn(2000, satellite_id="kitchen", speaker="ben", heard=wav),
        "c": await save_turn(3000, satellite_id="bath", speaker="anna", heard=wav),
        "d": await save_turn(4000, heard=wav),
    }
    answer = await client.delete(f"/api/turns?{query}&confirm=yes")
    assert answer.status_code == 200
    assert answer.json() == {"turns_deleted": 4 - len(expected)}
    stay = [saved[name] for name in expected]
    assert await _left(store) == {turn.id for turn in stay}
    files = {stage.audio.name for turn in stay for stage in turn.stages if stage.audio}
    assert await store.audio.names() == files


async def test_a_deletion_larger_than_a_batch_takes_all_and_leaves_no_trace(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store
) -> None:
    """Neither in the conversations nor in the search index nor in the file itself."""
    for number in range(205):
        await save_turn(1000.0 + number, conversation_id=f"talk-{number % 7}", transcript="xylophone", speaker="a")
    answer = await client.delete("/api/turns?speaker=a&confirm=yes")
    assert answer.json() == {"turns_deleted": 205}
    assert (await store.conversations.list()).items == ()
    folder = store.database.path.parent
    assert not any(b"xylophone" in file.read_bytes() for file in folder.glob("avatar.db*"))


def test_a_selection_of_everything_does_not_exist() -> None:
    with pytest.raises(ValueError, match="everything"):
        TurnSelection().where()
