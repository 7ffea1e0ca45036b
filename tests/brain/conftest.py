"""A brain on a scripted model, in a house that a small Home Assistant (or a file) makes."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `house_harness`
sys.path.insert(0, str(Path(__file__).parents[1] / "wire"))  # for `wire_harness`
sys.path.insert(0, str(Path(__file__).parent))  # for `brain_harness`

from brain_harness.acting_llm import ActingLlm
from brain_harness.brain import Brain
from brain_harness.door_client import DoorClient, opened_door
from brain_harness.remembering import Remembering, remembering_in
from house_harness import FakeHomeAssistant
from house_harness.house_state import HOUSE_FILE
from wire_harness.house import House
from wire_harness.waiting import until

from avatar_appliance.config.home_assistant import HomeAssistantSettings
from wyoming_servers.conversation.fast_path import FastPath
from wyoming_servers.conversation.house_control import HouseControl
from wyoming_servers.house.household_file import read_household

TOKEN = "good-token"


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture(autouse=True)
def no_complaint_of_the_loop() -> Iterator[None]:
    """Fail where asyncio logs a task's exception that nobody looked at, or a callback that broke."""
    complaints = _Complaints()
    logging.getLogger("asyncio").addHandler(complaints)
    yield
    logging.getLogger("asyncio").removeHandler(complaints)
    assert not complaints.texts


@pytest.fixture(scope="session")
def shared_fast_path() -> FastPath:
    """Knows the test house in both languages."""
    fast_path = FastPath()
    fast_path.prepare(read_household(HOUSE_FILE).layout, ["en", "zh-TW"])
    return fast_path


@pytest.fixture(autouse=True)
def _indexed_once(shared_fast_path: FastPath, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has the same house: it takes a second to index."""
    monkeypatch.setattr("wyoming_servers.conversation.prepared_fast_path.FastPath", lambda: shared_fast_path)


@pytest.fixture
async def planes() -> AsyncIterator[House]:
    """Workers and servers."""
    path = Path(tempfile.mkdtemp(prefix="brain"))
    async with House(path) as running:
        yield running
    shutil.rmtree(path)


@pytest.fixture
async def home_assistant() -> AsyncIterator[FakeHomeAssistant]:
    """A small Home Assistant that listens."""
    server = FakeHomeAssistant()
    await server.start()
    yield server
    await server.stop()


@contextlib.asynccontextmanager
async def _brain(planes: House, settings: HomeAssistantSettings) -> AsyncIterator[Brain]:
    llm = ActingLlm()
    control = HouseControl.from_settings(settings, ["en", "zh-TW"])
    await control.start()
    await until(lambda: control.description("en", 1))
    await until(lambda: control.fast_path.ready_for is control.version)
    await planes.llm_worker("chat", llm.app)
    try:
        yield Brain(planes, llm, control)
    finally:
        await control.close()


@pytest.fixture
async def brain(planes: House, home_assistant: FakeHomeAssistant) -> AsyncIterator[Brain]:
    """A house with a token."""
    settings: dict[str, Any] = {"url": f"http://127.0.0.1:{home_assistant.port}", "token": TOKEN, "timeout_s": 1}
    async with _brain(planes, HomeAssistantSettings(**settings)) as brain:
        yield brain


@pytest.fixture
async def brain_without_token(planes: House) -> AsyncIterator[Brain]:
    """A house that a file names: intents go back."""
    async with _brain(planes, HomeAssistantSettings(household=HOUSE_FILE)) as brain:
        yield brain


@pytest.fixture
async def remembering(planes: House, brain: Brain, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Remembering]:
    """What a brain with a token remembers about people."""
    monkeypatch.setattr("wyoming_servers.conversation.person_memory.RECALL_S", 9.0)  # a loaded machine is slow
    monkeypatch.setattr("avatar_appliance.control.fact_server.LOOK_FOR_SPEAKERS_S", 0.0)
    brain.remembers_people = True
    async with remembering_in(planes) as kept:
        yield kept


@pytest.fixture
async def door(brain: Brain) -> AsyncIterator[DoorClient]:
    """The other door to a brain with a token for the house."""
    async with opened_door(brain) as client:
        yield client


@pytest.fixture
async def door_without_token(brain_without_token: Brain) -> AsyncIterator[DoorClient]:
    """The other door to a brain that hands intents back."""
    async with opened_door(brain_without_token) as client:
        yield client
