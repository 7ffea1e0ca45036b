"""The text-to-speech and conversation servers as `serve` puts them together, both doors."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from wire_harness.clients import ask
from wire_harness.conversing import ScriptedLlm, answer
from wire_harness.engines import WatchedTts
from wire_harness.house import House
from wire_harness.servers import Served
from wire_harness.speaking import say_streamed
from wire_harness.waiting import until
from wyoming.info import Describe, Info

from avatar_appliance.config import Settings
from avatar_appliance.pronunciations import HouseholdPronunciations, Pronunciation, pronunciations_path
from avatar_appliance.speech.client import speech_figures
from wyoming_servers.serve import ServerRole, _handler

TEXT = "The light in the kitchen is on. The door is shut."
PIECES = ["The light in the kitchen is on.", "The door is shut."]
KEY = "a-secret-of-this-test"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def settings(house: House) -> Settings:
    folders = {"state_dir": "state", "cache_dir": "cache", "runtime_dir": "."}
    file: dict[str, Any] = {
        "host": "127.0.0.1",
        "tts": {"workers": ["piper"], "speech": {"cache_memory": 0}},
        "asr": {"workers": ["ears"]},
        "conversation": {"workers": ["chat"], "openai_port": free_port(), "openai_token": KEY},
        "speaker": {"workers": []},
        "workers": {
            "piper": {"engine": "fake", "fake_role": "tts"},
            "ears": {"engine": "fake", "fake_role": "asr"},
            "chat": {"engine": "fake", "fake_role": "llm"},
        },
        "paths": {name: str(house.runtime_dir / folder) for name, folder in folders.items()},
    }
    return Settings.from_sources(file, {})


@pytest.fixture
async def served(house: House, settings: Settings) -> AsyncIterator[dict[ServerRole, Served]]:
    """Both servers, connected to each other."""
    roles: tuple[ServerRole, ...] = ("tts", "conversation")
    async with contextlib.AsyncExitStack() as stack:
        started: dict[ServerRole, Served] = {}
        for role in roles:
            handler = await stack.enter_async_context(_handler(role, settings, house.reports, house.access()))
            started[role] = await house._servers.start(handler, role)
        agent = started["conversation"].server.handler._agent  # type: ignore[attr-defined]
        await until(lambda: agent.hand_over._connected)
        yield started


async def _told_its_voices(uri: str) -> None:
    while not Info.from_event((await ask(uri, Describe(), until=["info"]))[-1]).tts[0].voices:
        pass


@pytest.fixture
async def engine(house: House) -> WatchedTts:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    await house.llm_worker("chat", ScriptedLlm(TEXT[:20], TEXT[20:]).app)
    return engine


async def test_an_answer_of_the_wyoming_door_is_spoken_ahead_of_time(
    house: House, engine: WatchedTts, served: dict[ServerRole, Served]
) -> None:
    await _told_its_voices(served["tts"].uri)
    text = await answer(served["conversation"].uri, "what is on?")
    await until(lambda: engine.finished == 2)
    await say_streamed(served["tts"].uri, text)
    assert engine.texts == PIECES
    assert (await speech_figures(house.runtime_dir)).ahead_used == 2


@pytest.mark.parametrize("user", ["01JD0000000000000000000000", None])
async def test_an_answer_of_the_openai_door_is_spoken_ahead_of_time_where_somebody_listens(
    house: House, engine: WatchedTts, served: dict[ServerRole, Served], settings: Settings, user: str | None
) -> None:
    await _told_its_voices(served["tts"].uri)
    body = {"model": "assistant", "stream": True, "messages": [{"role": "user", "content": "what is on?"}]}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as client:
        url = f"http://127.0.0.1:{settings.conversation.openai_port}/v1/chat/completions"
        got = await client.post(url, json={**body, **({"user": user} if user else {})}, timeout=30)
    assert got.status_code == 200, got.text
    if user is None:  # a chat program: nobody hears it
        assert (await speech_figures(house.runtime_dir)).ahead_answers == 0
        return
    await until(lambda: engine.finished == 2)
    await say_streamed(served["tts"].uri, TEXT)
    assert engine.texts == PIECES


async def test_the_household_pronunciations_are_spoken_both_ahead_of_time_and_when_asked(
    engine: WatchedTts, served: dict[ServerRole, Served], settings: Settings
) -> None:
    await _told_its_voices(served["tts"].uri)
    household = HouseholdPronunciations(pronunciations_path(settings.paths.state_dir))
    household.set(Pronunciation("kitchen", "kitshun"))
    await answer(served["conversation"].uri, "what is on?")
    await until(lambda: engine.finished == 2)
    await say_streamed(served["tts"].uri, TEXT)
    assert engine.texts == ["The light in the kitshun is on.", "The door is shut."]
