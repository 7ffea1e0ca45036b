"""A turn that is hung up on, stopped, too much, or made of nonsense: bounded, refused, and nothing goes on for it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx
import pytest
from wyoming.audio import AudioChunk, AudioStart

from avatar_appliance.admin.server import AdminServer
from avatar_appliance.chat import chat as chat_module
from avatar_appliance.chat import pace
from avatar_appliance.chat import turn as turn_module

from .chat_client import PATIENCE_S, asked
from .chat_house import RATE_HZ, House, answers, never
from .fake_servers import Client, FakeServer


@pytest.mark.parametrize("stage", ["asr", "conversation", "tts"])
async def test_hanging_up_ends_the_work_of_whoever_is_at_it(http: httpx.AsyncClient, house: House, stage: str) -> None:
    at_it: FakeServer = getattr(house, stage)
    at_it.script = never
    question = {"rate_hz": 16_000} if stage == "asr" else {"text": "tell me everything"}
    async with asked(http, **question) as events:
        await events.until("began")
        async with asyncio.timeout(PATIENCE_S):
            await at_it.called.wait()
        assert not at_it.hung_up.is_set()
    async with asyncio.timeout(PATIENCE_S):
        await at_it.hung_up.wait()


async def test_sound_that_is_ahead_waits_at_the_server_that_makes_it(http: httpx.AsyncClient, house: House) -> None:
    """Neither the control plane nor the page keeps an hour of it."""
    sent = 0

    async def floods(client: Client) -> None:
        nonlocal sent
        await client.until("synthesize-chunk")
        await client.say(AudioStart(RATE_HZ, 2, 1))
        while sent < 3000:  # of a second each, 144 MB
            await client.say(AudioChunk(RATE_HZ, 2, 1, bytes(2 * RATE_HZ)))
            sent += 1

    house.tts.script = floods
    async with asked(http, text="hello") as events:
        for _ in range(int(pace.LEAD_S)):
            await events.until("sound")
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.5)
        assert sent < 1000
    async with asyncio.timeout(PATIENCE_S):
        await house.tts.hung_up.wait()


async def test_only_so_many_turns_at_once_and_the_place_of_one_that_left_is_free(
    http: httpx.AsyncClient, house: House
) -> None:
    house.conversation.script = never
    async with contextlib.AsyncExitStack() as stack:
        turns = [await stack.enter_async_context(asked(http, text="hello")) for _ in range(chat_module.MOST_TURNS)]
        for events in turns:
            await events.until("began")
        refused = await http.post("/api/chat", json={"text": "hello"})
        assert (refused.status_code, refused.json()["code"]) == (503, "server-full")
    house.conversation.script = answers("Done.")
    async with asyncio.timeout(PATIENCE_S):
        while (free := await http.post("/api/chat", json={"text": "hello", "aloud": False})).status_code == 503:
            await asyncio.sleep(0.01)
    assert free.status_code == 200


async def test_a_server_that_stops_ends_its_turns(server: AdminServer, http: httpx.AsyncClient, house: House) -> None:
    house.conversation.script = never
    async with asked(http, text="hello") as events:
        await events.until("began")
        stopping = asyncio.create_task(server.stop())
        assert await events.rest() == []
        await stopping
    async with asyncio.timeout(PATIENCE_S):
        await house.conversation.hung_up.wait()


async def test_a_turn_has_an_end(http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_module, "MOST_TURN_S", 0.05)
    house.conversation.script = never
    async with asked(http, text="hello") as events:
        assert (await events.until("failed"))["code"] == "deadline-exceeded"
        await events.until("ended")
    async with asyncio.timeout(PATIENCE_S):
        await house.conversation.hung_up.wait()


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"text": " "},
        {"text": "x" * 2001},
        {"text": "x", "rate_hz": 16_000},
        {"rate_hz": 96_000},
        {"text": "x", "conversation_id": "a b"},
        {"text": "x", "language": "../en"},
        {"text": "x", "more": 1},
    ],
)
async def test_what_cannot_be_asked_is_refused(http: httpx.AsyncClient, house: House, question: dict[str, Any]) -> None:
    answer = await http.post("/api/chat", json=question)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
    assert house.conversation.clients == []


async def test_sound_that_does_not_fit_is_refused(http: httpx.AsyncClient, house: House) -> None:
    house.asr.script = never
    async with asked(http, rate_hz=8000) as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound"
        gap = await http.post(f"{path}?position=2", content=bytes(2))
        half = await http.post(f"{path}?position=0", content=bytes(3))
        large = await http.post(f"{path}?position=0", content=bytes(65 * 1024))
        assert [each.json()["code"] for each in (gap, half, large)] == [
            "sound-missing", "bad-request", "request-too-large",
        ]  # fmt: skip
        position = 0
        codes: list[str] = []
        while not codes:
            piece = await http.post(f"{path}?position={position}", content=bytes(60_000))
            position += 60_000
            codes += [piece.json()["code"]] if piece.status_code != 204 else []
        assert codes == ["audio-too-long"]
        assert position <= 45 * 8000 * 2 + 60_000


async def test_sound_for_no_turn_is_refused(http: httpx.AsyncClient, house: House) -> None:
    nowhere = await http.post(f"/api/chat/{'0' * 32}/sound?position=0", content=b"")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "turn-over")
    house.conversation.script = never
    async with asked(http, text="typed") as events:
        path = f"/api/chat/{(await events.until('began'))['turn_id']}/sound?position=0"
        assert (await http.post(path, content=b"")).status_code == 400


async def test_a_browser_that_stops_sending_is_not_waited_for(
    http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_appliance.chat.utterance.STALL_S", 0.05)
    house.asr.script = never
    async with asked(http, rate_hz=16_000) as events:
        failed = await events.until("failed")
        assert (failed["stage"], failed["code"]) == ("transcribe", "deadline-exceeded")
