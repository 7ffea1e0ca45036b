"""The facts socket: bounded, with a deadline, and one writer behind it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.ping import Ping

from avatar_appliance.control.fact_server import FactServer
from avatar_appliance.errors import BadRequest
from avatar_appliance.facts import Fact, Origin
from avatar_appliance.facts.client import FactsClient
from avatar_appliance.facts.errors import MemoryAway
from avatar_appliance.facts.messages import (
    ANSWERED,
    FACTS_SOCKET,
    WANTED,
    ForgetWanted,
    Recalled,
    RecallWanted,
    Remembered,
    RememberWanted,
    Spoken,
    from_event,
    to_event,
)
from avatar_appliance.store import Stage, Store, Turn, new_turn_id
from avatar_appliance.wire import event_bytes

ORIGIN = Origin(connection_id="think-1", started_at=1000.125)
TEA = RememberWanted(text="I like tea", learned_by="phrase", origin=ORIGIN, speaker="Anna", language="en")
LONG_S = 9.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with Store.open(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
async def server(house: House, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FactServer]:
    """The control plane's side."""
    monkeypatch.setattr("avatar_appliance.control.fact_server.LOOK_FOR_SPEAKERS_S", 0.0)
    server = FactServer(house.runtime_dir, store)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def client(house: House, server: FactServer) -> FactsClient:
    """The data plane's side."""
    return FactsClient(house.runtime_dir)


async def heard(store: Store, speaker: str | None, **think: Any) -> None:
    """Put a turn of somebody's into the history."""
    at = think.get("started_at", 1000.125)
    turn_id = new_turn_id(at)
    stage = Stage(**{"id": turn_id, "kind": "think", "connection_id": "think-1", "started_at": at, **think})
    voice = Stage(id=f"{turn_id}h", kind="transcribe", connection_id="asr-1", started_at=at - 1, speaker=speaker)
    turn = Turn(id=turn_id, started_at=at, speaker=speaker, stages=(voice, stage))
    await store.turns.save([turn], new=[turn_id], merged=())


async def test_what_is_remembered_is_recalled_and_forgotten(client: FactsClient) -> None:
    kept = await client.remember(TEA)
    recalled = await client.recall(RecallWanted(speaker="Anna"), within_s=LONG_S)
    assert recalled == Recalled(speaker="Anna", facts=(kept,))
    assert await client.forget(ForgetWanted(speaker="Ben", ids=(kept.id,))) == 0
    assert await client.forget(ForgetWanted(speaker="Anna", ids=(kept.id,))) == 1
    assert await client.forget(ForgetWanted(speaker="Anna", everything=True)) == 0


async def test_nothing_is_told_about_nobody_unless_it_is_wanted(client: FactsClient) -> None:
    await client.remember(dataclasses.replace(TEA, speaker=None))
    assert (await client.recall(RecallWanted(), within_s=LONG_S)).facts == ()
    assert len((await client.recall(RecallWanted(includes_unknown=True), within_s=LONG_S)).facts) == 1


async def test_who_speaks_is_waited_for_where_voices_are_recognised(client: FactsClient, store: Store) -> None:
    wanted = RecallWanted(asking=ORIGIN, wait_s=2.0)
    assert (await client.recall(wanted, within_s=LONG_S)).speaker is None  # at once: nobody ever was
    await heard(store, "Ben", connection_id="think-0", started_at=900.0)
    asking = asyncio.create_task(client.recall(wanted, within_s=LONG_S))
    await asyncio.sleep(0)
    await heard(store, "Anna")
    assert (await asking).speaker == "Anna"


async def test_a_turn_that_is_never_reported_is_not_waited_for_for_ever(client: FactsClient, store: Store) -> None:
    await heard(store, "Ben", connection_id="think-0", started_at=900.0)
    assert (await client.recall(RecallWanted(asking=ORIGIN, wait_s=0.01), within_s=LONG_S)).speaker is None


async def test_what_was_spoken_of_an_answer_is_told(client: FactsClient, store: Store) -> None:
    turn_id = new_turn_id(1000)
    think = Stage(id="t", kind="think", connection_id="think-1", started_at=1000.125, ended_at=1001)
    speak = Stage(id="s", kind="speak", connection_id="tts-1", started_at=1001, first_output_at=1001.5, ended_at=1003,
                  text_in="Tea is", cancelled=True)  # fmt: skip
    wanted = RecallWanted(before=ORIGIN)
    assert (await client.recall(wanted, within_s=LONG_S)).spoken is None
    await store.turns.save([Turn(id=turn_id, started_at=1000, stages=(think, speak))], new=[turn_id], merged=())
    spoken = Spoken(text="Tea is", first_sound_at=1001.5, ended_at=1003.0, cancelled=True)
    assert (await client.recall(wanted, within_s=LONG_S)).spoken == spoken


async def test_what_makes_no_sense_is_refused_by_name(client: FactsClient, house: House) -> None:
    with pytest.raises(MemoryAway, match="bad-request"):
        await client.remember(dataclasses.replace(TEA, text="?!"))
    for sent in (Ping().event(), Event("fact-remember", {"text": "x"}), Event("facts-wanted", {"most": 10_000})):
        reader, writer = await asyncio.open_unix_connection(str(house.runtime_dir / FACTS_SOCKET))
        writer.write(event_bytes(sent))
        assert b"bad-request" in await reader.read()
        writer.close()


async def test_a_control_plane_that_does_not_answer_is_not_waited_for(house: House) -> None:
    client = FactsClient(house.runtime_dir)
    with pytest.raises(MemoryAway, match="nobody listens"):
        await client.recall(RecallWanted(), within_s=LONG_S)
    taken: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_unix_server(lambda _, w: taken.append(w), house.runtime_dir / FACTS_SOCKET)
    async with listener:
        with pytest.raises(MemoryAway, match=r"within 0\.05 s"):
            await client.recall(RecallWanted(), within_s=0.05)
        asking = asyncio.create_task(client.remember(TEA))
        await until(lambda: len(taken) == 2)
        taken[1].close()
        with pytest.raises(MemoryAway, match="hung up"):
            await asking
        taken[0].close()


def test_messages_survive_their_way() -> None:
    fact = Fact(id="0" * 32, text="我不吃辣", learned_by="model", created_at=1.5, speaker="Anna", turn_id="t")
    for wanted in (RecallWanted(asking=ORIGIN, before=ORIGIN, most=3), TEA, ForgetWanted(ids=("0" * 32,))):
        assert from_event(to_event(wanted), WANTED) == wanted
    for answer in (Recalled(speaker="Anna", facts=(fact,), spoken=Spoken(cancelled=True)), Remembered(fact=fact)):
        assert from_event(to_event(answer), ANSWERED) == answer
    with pytest.raises(BadRequest):
        from_event(to_event(TEA), ANSWERED)
    assert "tea" not in repr(TEA)
