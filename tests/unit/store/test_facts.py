"""What people want remembered, in the store."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

import pytest

from avatar_appliance.errors import BadRequest, NotFound
from avatar_appliance.facts import Fact, Origin
from avatar_appliance.store import Database, FactFilter, FactRepository, Stage, Turn, TurnRepository, new_turn_id
from avatar_appliance.store.stage_lookup import StageLookup

AT_HOME = Origin(connection_id="think-1", started_at=1000.125)


@pytest.fixture
def facts(database: Database) -> FactRepository:
    """The table of facts, three for each person."""
    return FactRepository(database, max_per_speaker=3)


async def remember(facts: FactRepository, text: str, speaker: str | None = "Anna", at: float = 1000.0) -> Fact:
    return await facts.remember(text, learned_by="phrase", origin=AT_HOME, at=at, speaker=speaker, language="en")


async def texts(facts: FactRepository, speaker: str | None = "Anna") -> list[str]:
    return [fact.text for fact in await facts.of(speaker, limit=10)]


async def test_a_fact_is_kept_with_everything_about_it(facts: FactRepository) -> None:
    kept = await facts.remember(
        " I like  tea ", learned_by="model", origin=AT_HOME, at=5.5, speaker="Anna", language="en", conversation_id="c1"
    )
    (found,) = await facts.of("Anna", limit=10)
    assert found == kept == await facts.get(kept.id)
    assert (found.text, found.learned_by, found.created_at) == ("I like tea", "model", 5.5)
    assert (found.speaker, found.language, found.conversation_id, found.turn_id) == ("Anna", "en", "c1", None)
    assert "tea" not in repr(found)


async def test_a_fact_knows_the_turn_it_came_from_as_long_as_that_is_there(
    facts: FactRepository, turns: TurnRepository
) -> None:
    kept = await remember(facts, "I like tea")
    turn_id = new_turn_id(1000)
    stage = Stage(id="s", kind="think", connection_id="think-1", started_at=1000.125, ended_at=1001)
    await turns.save([Turn(id=turn_id, started_at=1000, stages=(stage,))], new=[turn_id], merged=())
    assert (await facts.get(kept.id)).turn_id == turn_id
    await turns.delete(turn_id)
    assert (await facts.get(kept.id)).turn_id is None


async def test_the_same_words_of_the_same_person_are_one_fact_and_the_newest(facts: FactRepository) -> None:
    first = await remember(facts, "I like tea", at=1)
    await remember(facts, "I play chess", at=2)
    again = await remember(facts, "i LIKE tea!", at=3)
    assert again.id == first.id
    assert await texts(facts) == ["i LIKE tea!", "I play chess"]
    await remember(facts, "I like tea", speaker="Ben")
    await remember(facts, "I like tea", speaker=None)
    assert await texts(facts, "Ben") == await texts(facts, None) == ["I like tea"]


async def test_beyond_the_bound_the_oldest_fact_of_that_person_goes(facts: FactRepository) -> None:
    await remember(facts, "Ben's own", speaker="Ben", at=0)
    for number in range(5):
        await remember(facts, f"fact {number}", at=number)
    assert await texts(facts) == ["fact 4", "fact 3", "fact 2"]
    assert await texts(facts, "Ben") == ["Ben's own"]


async def test_what_is_asked_before_each_answer_is_never_out_of_date(facts: FactRepository) -> None:
    assert await texts(facts) == []
    kept = await remember(facts, "I like tea")
    assert await texts(facts) == ["I like tea"]
    await facts.delete(kept.id)
    assert await texts(facts) == []
    await remember(facts, "I like tea")
    reading = asyncio.create_task(facts.of("Anna", limit=10))
    await facts.forget("Anna", None)
    await reading
    assert await texts(facts) == []


@pytest.mark.parametrize("text", ["", " ", "?!", "x" * 501])
async def test_what_says_nothing_or_too_much_is_refused(facts: FactRepository, text: str) -> None:
    with pytest.raises(BadRequest):
        await remember(facts, text)


async def test_facts_are_forgotten_for_good_and_only_those_of_the_person(
    facts: FactRepository, database: Database
) -> None:
    mine = await remember(facts, "my unmistakable secret")
    other = await remember(facts, "I like tea", speaker="Ben")
    assert await facts.forget("Ben", [mine.id]) == 0
    assert await facts.forget("Anna", [mine.id, other.id]) == 1
    assert await facts.forget("Anna", None) == 0
    assert await texts(facts, "Ben") == ["I like tea"]
    left = b"".join(path.read_bytes() for path in database.path.parent.glob("avatar.db*"))
    assert b"unmistakable" not in left
    assert b"I like tea" in left


async def test_a_fact_that_is_not_there_cannot_be_read_or_deleted(facts: FactRepository) -> None:
    for act in (facts.get, facts.delete):
        with pytest.raises(NotFound):
            await act("0" * 32)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (FactFilter(), ["我不吃辣", "I like green tea", "Nobody's"]),
        (FactFilter(speaker="Anna"), ["我不吃辣", "I like green tea"]),
        (FactFilter(unknown=True), ["Nobody's"]),
        (FactFilter(text="TEA green"), ["I like green tea"]),
        (FactFilter(text="吃辣"), ["我不吃辣"]),
        (FactFilter(text="%"), ["我不吃辣", "I like green tea", "Nobody's"]),
        (FactFilter(text="coffee"), []),
    ],
)
async def test_facts_are_listed_by_whom_and_by_words(
    facts: FactRepository, wanted: FactFilter, found: list[str]
) -> None:
    await remember(facts, "Nobody's", speaker=None, at=1)
    await remember(facts, "I like green tea", at=2)
    await remember(facts, "我不吃辣", at=3)
    assert [fact.text for fact in (await facts.list(wanted)).items] == found
    assert await facts.count(wanted) == len(found)
    assert await facts.delete_matching(wanted) == len(found)


async def test_pages_of_facts_follow_each_other(database: Database) -> None:
    facts = FactRepository(database)
    for number in range(5):
        await remember(facts, f"fact {number}", at=number // 2)
    seen: list[str] = []
    cursor = None
    while True:
        page = await facts.list(FactFilter(), limit=2, cursor=cursor)
        seen += [fact.text for fact in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"fact {number}" for number in (4, 3, 2, 1, 0)]
    for bad in ("nonsense", "1.0~x", "1.0~" + "9" * 30):
        with pytest.raises(BadRequest):
            await facts.list(FactFilter(), cursor=bad)


async def test_what_was_spoken_of_an_answer_is_found_by_its_stage(
    database: Database, turns: TurnRepository, make_turn: Callable[..., Turn]
) -> None:
    lookup = StageLookup(database)
    assert await lookup.speaker(AT_HOME) == (False, None)
    assert not await lookup.hears_speakers()
    turn_id = new_turn_id(1000)
    think = Stage(id="t", kind="think", connection_id="think-1", started_at=1000.125, ended_at=1001)
    speak = Stage(
        id="s", kind="speak", connection_id="tts-1", started_at=1001, first_output_at=1001.5, ended_at=1003,
        text_in="Tea is", cancelled=True,
    )  # fmt: skip
    heard = Stage(id="h", kind="transcribe", connection_id="asr-1", started_at=999, ended_at=1000, speaker="Anna")
    turn = Turn(id=turn_id, started_at=1000, speaker="Anna", stages=(heard, think, speak))
    await turns.save([turn], new=[turn_id], merged=())
    assert await lookup.speaker(AT_HOME) == (True, "Anna")
    assert await lookup.hears_speakers()
    (spoken,) = await lookup.spoken(AT_HOME)
    assert tuple(spoken) == ("Tea is", 1001.5, 1003.0, 1)


async def test_nobody_can_write_a_fact_of_a_kind_there_is_not(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        async with database.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO facts (id, text, words, learned_by, connection_id, stage_started_at, created_at) "
                "VALUES (?, 'x', 'x', 'gossip', 'c', 1, 1)",
                ("0" * 32,),
            )
