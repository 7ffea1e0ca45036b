"""Workers that are loaded on demand are up once, so that their voices are in Home Assistant's list."""

from __future__ import annotations

import asyncio

import pytest
from wire_harness.house import House
from wire_harness.waiting import until

from avatar_appliance.leases import Urgency
from wyoming_servers.backends.introductions import Introductions


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.backends.introductions.QUIET_S", 0)
    monkeypatch.setattr("wyoming_servers.backends.introductions.AGAIN_S", 0.05)


async def test_each_is_brought_up_once_and_given_back(house: House) -> None:
    book = (await house.coordinator("piper")).book
    await house.tts_worker("piper")
    watch = house.watch(house.links(["studio", "piper"]))
    house._run(watch.run())
    await until(lambda: watch.unknown == ["studio"])
    introducing = asyncio.create_task(Introductions(watch, house.access()).run())
    await until(lambda: book.waiting)
    (request,) = book.requests
    assert (request.ladder, request.urgency) == (("studio",), Urgency.IDLE), "nobody else was asked for"
    await house.tts_worker("studio")
    book.come_up("studio")
    await asyncio.wait_for(introducing, 10)
    assert watch.all_known
    await until(lambda: not book.held)


async def test_where_there_is_no_room_now_it_is_tried_again_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_servers.backends.introductions.INTRODUCTION_S", 0.1)
    book = (await house.coordinator()).book
    book.denial = ("no-memory", None)
    watch = house.watch(house.links(["studio"]))
    house._run(watch.run())
    introducing = asyncio.create_task(Introductions(watch, house.access()).run())
    await until(lambda: len(book.requests) >= 2)
    book.denial = None
    await house.tts_worker("studio")
    book.come_up("studio")
    await asyncio.wait_for(introducing, 10)
    assert watch.all_known
