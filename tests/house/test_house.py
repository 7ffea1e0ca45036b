"""The house as the settings describe it."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_harness import FakeHomeAssistant
from house_harness.house_state import HOUSE_FILE
from pydantic import AnyHttpUrl, SecretStr

from avatar_appliance.config.home_assistant import HomeAssistantSettings
from wyoming_servers.house.asker import Asker
from wyoming_servers.house.errors import HouseholdFileInvalid
from wyoming_servers.house.house import make_house

from .conftest import DEADLINE_S


async def test_with_a_token_it_is_live_and_acts(home_assistant: FakeHomeAssistant) -> None:
    url = AnyHttpUrl(f"http://127.0.0.1:{home_assistant.port}")
    house = make_house(HomeAssistantSettings(url=url, token=SecretStr("good-token")))
    await house.start()
    assert await house.household.wait_until(lambda h: bool(h.layout.entities), DEADLINE_S)
    assert house.executor is not None
    assert house.toolbox is not None
    assert await house.toolbox.tools(Asker("en"))
    await house.close()


async def test_what_is_exposed_decides_about_the_tools(home_assistant: FakeHomeAssistant) -> None:
    url = AnyHttpUrl(f"http://127.0.0.1:{home_assistant.port}")
    house = make_house(HomeAssistantSettings(url=url, token=SecretStr("good-token")))
    await house.start()
    assert await house.household.wait_until(lambda h: bool(h.layout.entities), DEADLINE_S)
    assert house.toolbox is not None
    for _ in range(2):
        await house.toolbox.tools(Asker("en"))
    home_assistant.sockets.hidden.add("lock.front_door")
    home_assistant.sockets.announce("entity_registry_updated")
    assert await house.household.wait_until(lambda h: "lock.front_door" not in h.layout.entities_by_id, DEADLINE_S)
    await house.toolbox.tools(Asker("en"))
    assert home_assistant.asked.count("tools/list") == 2
    await house.close()


async def test_without_a_token_it_is_the_file(tmp_path: Path) -> None:
    house = make_house(HomeAssistantSettings(household=HOUSE_FILE))
    await house.start()
    assert len(house.household.household().layout.entities) == 42
    assert (house.executor, house.toolbox) == (None, None)
    await house.close()
    with pytest.raises(HouseholdFileInvalid):
        await make_house(HomeAssistantSettings(household=tmp_path / "nothing.yaml")).start()


async def test_without_anything_it_is_empty() -> None:
    house = make_house(HomeAssistantSettings())
    await house.start()
    assert house.household.household().layout.entities == ()
    await house.close()
