"""The household follows Home Assistant: names, rooms, states, and what happens when it goes away."""

from __future__ import annotations

import dataclasses

import pytest
from house_harness import FakeHomeAssistant

from wyoming_servers.house.entity import UNAVAILABLE
from wyoming_servers.house.errors import HomeAssistantAway, HomeAssistantRefused, HomeAssistantTimeout
from wyoming_servers.house.home_assistant import live_household
from wyoming_servers.house.home_assistant.live_household import LiveHousehold
from wyoming_servers.house.household import Household

from .conftest import DEADLINE_S


def value(household: Household, entity_id: str) -> str:
    return household.states[entity_id].value


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_household, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(live_household, "REFUSED_WAIT_S", 0.02)
    monkeypatch.setattr(live_household, "SETTLE_S", 0.01)


async def test_names_aliases_rooms_and_states_arrive(live: LiveHousehold, household: Household) -> None:
    found = live.household()
    assert found.layout.entities == household.layout.entities
    assert found.layout.areas == household.layout.areas
    assert found.layout.floors == tuple(household.layout.floors)
    assert {key: s.value for key, s in found.states.items()} == {key: s.value for key, s in household.states.items()}
    assert live.is_live
    assert live.trouble is None


async def test_the_asking_device_and_satellite_have_a_room(live: LiveHousehold) -> None:
    layout = live.household().layout
    assert layout.asking_area("device-bedroom", None) == layout.areas_by_id["bedroom"]
    assert layout.asking_area(None, "assist_satellite.kitchen") == layout.areas_by_id["kitchen"]
    assert layout.asking_area("a-device-nobody-knows", None) is None


async def test_a_change_of_state_is_seen_and_keeps_the_layout(
    live: LiveHousehold, home_assistant: FakeHomeAssistant
) -> None:
    layout = live.household().layout
    home_assistant.house.set_state("light.kitchen_lamp", "on")
    assert await live.wait_until(lambda h: value(h, "light.kitchen_lamp") == "on", DEADLINE_S)
    assert live.household().layout is layout


async def test_a_snapshot_never_changes(live: LiveHousehold, home_assistant: FakeHomeAssistant) -> None:
    before = live.household()
    home_assistant.house.set_state("light.kitchen_lamp", "on")
    assert await live.wait_until(lambda h: value(h, "light.kitchen_lamp") == "on", DEADLINE_S)
    assert value(before, "light.kitchen_lamp") == "off"


async def test_reading_the_same_again_keeps_the_layout(live: LiveHousehold, home_assistant: FakeHomeAssistant) -> None:
    layout = live.household().layout
    home_assistant.sockets.announce("device_registry_updated")
    while home_assistant.sockets.commands.count("config/area_registry/list") < 2:
        await live.wait_until(lambda _: False, 0.01)
    home_assistant.house.set_state("light.kitchen_lamp", "on")  # comes after what was read
    assert await live.wait_until(lambda h: value(h, "light.kitchen_lamp") == "on", DEADLINE_S)
    assert live.household().layout is layout


async def test_a_renamed_entity_is_known_by_its_new_name(
    live: LiveHousehold, home_assistant: FakeHomeAssistant
) -> None:
    house = home_assistant.house
    layout = house.household.layout
    renamed = tuple(
        dataclasses.replace(e, aliases=("Bright thing",)) if e.entity_id == "light.counter" else e
        for e in layout.entities
    )
    house.household = dataclasses.replace(house.household, layout=dataclasses.replace(layout, entities=renamed))
    home_assistant.sockets.announce("entity_registry_updated")
    assert await live.wait_until(lambda h: "Bright thing" in h.layout.entities_by_id["light.counter"].names, DEADLINE_S)


async def test_what_is_hidden_from_assistants_goes_away(live: LiveHousehold, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.sockets.hidden.add("lock.front_door")
    home_assistant.sockets.announce("entity_registry_updated")
    assert await live.wait_until(lambda h: "lock.front_door" not in h.layout.entities_by_id, DEADLINE_S)
    assert "lock.front_door" not in live.household().states


async def test_it_comes_back_after_a_restart_with_fresh_states(
    live: LiveHousehold, home_assistant: FakeHomeAssistant
) -> None:
    await home_assistant.stop()
    assert not await live.wait_until(lambda _: True, 0.05)
    assert not live.is_live
    assert isinstance(live.trouble, HomeAssistantAway)
    assert live.household().layout.entities  # what it was is still known
    home_assistant.house.set_state("light.kitchen_lamp", UNAVAILABLE)
    await home_assistant.start()
    assert await live.wait_until(lambda h: value(h, "light.kitchen_lamp") == UNAVAILABLE, DEADLINE_S)


async def test_a_revoked_token_is_said_and_a_new_one_is_not_needed_if_it_comes_back(
    live: LiveHousehold, home_assistant: FakeHomeAssistant
) -> None:
    token = home_assistant.faults.tokens.pop()
    await home_assistant.sockets.hang_up()
    await wait_for_trouble(live, HomeAssistantRefused)
    assert not live.is_live
    home_assistant.faults.tokens.add(token)
    assert await live.wait_until(lambda _: True, DEADLINE_S)


async def test_a_token_of_somebody_who_is_no_administrator_is_refused(home_assistant: FakeHomeAssistant) -> None:
    home_assistant.faults.is_administrator = False
    household = LiveHousehold(home_assistant.address(), refresh_s=60)
    await household.start()
    await wait_for_trouble(household, HomeAssistantRefused)
    await household.close()


async def test_a_server_that_says_nothing_is_given_up(home_assistant: FakeHomeAssistant) -> None:
    home_assistant.faults.silent_socket = True
    household = LiveHousehold(home_assistant.address(timeout_s=0.1), refresh_s=60)
    await household.start()
    await wait_for_trouble(household, HomeAssistantTimeout)
    assert household.household() == Household()
    await household.close()


async def test_the_token_is_in_no_trouble_and_no_repr(home_assistant: FakeHomeAssistant) -> None:
    address = home_assistant.address(token="very-secret")
    household = LiveHousehold(address, refresh_s=60)
    await household.start()
    await wait_for_trouble(household, HomeAssistantRefused)
    assert "very-secret" not in f"{address!r} {household.trouble} {household.trouble!r}"
    await household.close()


async def test_a_house_that_exposes_nothing_is_empty_not_everything(home_assistant: FakeHomeAssistant) -> None:
    home_assistant.sockets.hidden.update(e.entity_id for e in home_assistant.house.household.layout.entities)
    household = LiveHousehold(home_assistant.address(), refresh_s=60)
    await household.start()
    assert await household.wait_until(lambda _: True, DEADLINE_S)
    assert household.household().layout.entities == ()
    assert household.household().states == {}
    await household.close()


async def wait_for_trouble(household: LiveHousehold, kind: type[Exception]) -> None:
    """Trouble is announced like any change; the predicate never holds, so this looks until it is the right one."""
    for _ in range(200):
        if type(household.trouble) is kind:
            return
        await household.wait_until(lambda _: False, 0.05)
    raise AssertionError(f"it says {household.trouble!r}")
