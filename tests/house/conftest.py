"""The test house, as a file and as a small Home Assistant on a real port."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `house_harness`

from house_harness import FakeHomeAssistant
from house_harness.house_state import HOUSE_FILE

from wyoming_servers.conversation.fast_path import FastPath
from wyoming_servers.house.home_assistant.intent_api import IntentApi
from wyoming_servers.house.home_assistant.live_household import LiveHousehold
from wyoming_servers.house.home_assistant.mcp_tools import McpTools
from wyoming_servers.house.household import Household
from wyoming_servers.house.household_file import read_household

DEADLINE_S = 10.0


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
def household() -> Household:
    """The test house as the file says it."""
    return read_household(HOUSE_FILE)


@pytest.fixture(scope="session")
def fast_path(household: Household) -> FastPath:
    """A fast path that knows the test house already."""
    fast_path = FastPath()
    fast_path.prepare(household.layout, ["en", "zh-TW"])
    return fast_path


@pytest.fixture
async def home_assistant() -> AsyncIterator[FakeHomeAssistant]:
    """A small Home Assistant that listens."""
    server = FakeHomeAssistant()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def live(home_assistant: FakeHomeAssistant) -> AsyncIterator[LiveHousehold]:
    """A household that follows it, and is there."""
    household = LiveHousehold(home_assistant.address(), refresh_s=60)
    await household.start()
    assert await household.wait_until(lambda _: True, DEADLINE_S)
    yield household
    await household.close()


@pytest.fixture
async def tools(home_assistant: FakeHomeAssistant) -> AsyncIterator[McpTools]:
    """Its tools; nothing is connected yet."""
    tools = McpTools(home_assistant.address(), refresh_s=60)
    yield tools
    await tools.close()


@pytest.fixture
async def intents(home_assistant: FakeHomeAssistant) -> AsyncIterator[IntentApi]:
    """Its intent API."""
    api = IntentApi(home_assistant.address())
    yield api
    await api.close()
