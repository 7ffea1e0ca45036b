"""`avatar facts` on the running appliance."""

from __future__ import annotations

import json

import pytest

from avatar_appliance.facts import Fact, Origin
from avatar_appliance.store import Store

from .conftest import Avatar


async def remember(store: Store, text: str, speaker: str | None = "Anna") -> Fact:
    origin = Origin(connection_id="c", started_at=1.0)
    return await store.facts.remember(text, learned_by="phrase", origin=origin, at=1000.0, speaker=speaker)


@pytest.mark.usefixtures("appliance")
async def test_facts_are_listed_for_people_and_for_programs(avatar: Avatar, store: Store) -> None:
    fact = await remember(store, "I like [bold]tea[/]")
    await remember(store, "我不吃辣", speaker=None)
    ran = await avatar("facts", "list")
    assert ran.code == 0, ran.err
    for said in (fact.id[:8], "Anna", "I like [bold]tea[/]", "unknown", "我不吃辣"):
        assert said in ran.out
    assert [each["text"] for each in json.loads((await avatar("facts", "list", "-s", "Anna", "--json")).out)] == [
        "I like [bold]tea[/]"
    ]
    assert "Nothing of that" in (await avatar("facts", "list", "--search", "coffee")).err


@pytest.mark.usefixtures("appliance")
async def test_facts_are_forgotten_by_id_by_person_and_altogether(avatar: Avatar, store: Store) -> None:
    facts = [await remember(store, f"fact {number}") for number in range(3)]
    await remember(store, "another", speaker="Ben")
    assert (await avatar("facts", "forget", facts[0].id[:8])).out == "1 forgotten\n"
    assert (await avatar("facts", "forget", "--speaker", "Anna", "--yes")).out == "2 forgotten\n"
    assert (await avatar("facts", "forget", "--all", "--yes")).out == "1 forgotten\n"
    assert (await avatar("facts", "forget", "--all", "--yes")).out == "0 forgotten\n"


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize("arguments", [(), ("--all", "-s", "Anna"), ("0" * 8,), ("0" * 32,)])
async def test_what_is_not_clear_or_not_there_forgets_nothing(
    avatar: Avatar, store: Store, arguments: tuple[str, ...]
) -> None:
    await remember(store, "I like tea")
    ran = await avatar("facts", "forget", *arguments, "--yes")
    assert ran.code == 65
    assert len(await store.facts.of("Anna", limit=9)) == 1
