"""What the speech recogniser is told to expect."""

from __future__ import annotations

from wyoming_servers.conversation.fast_path.vocabulary import vocabulary
from wyoming_servers.house.household import Household
from wyoming_servers.house.layout import HouseLayout


def test_the_asking_room_comes_first_then_its_floor(household: Household) -> None:
    words = vocabulary(household.layout, household.layout.areas_by_id["bedroom"])
    assert words[:3] == ("Bedroom", "臥室", "主臥")
    assert words.index("Bedside lamp") < words.index("Office") < words.index("Desk lamp") < words.index("Kitchen lamp")


def test_every_name_is_there_once(household: Household) -> None:
    words = vocabulary(household.layout)
    assert len(words) == len(set(words))
    assert {name for e in household.layout.entities for name in e.names} <= set(words)


def test_it_is_bounded(household: Household) -> None:
    kitchen = household.layout.areas_by_id["kitchen"]
    assert vocabulary(household.layout, kitchen, most=4) == ("Kitchen", "廚房", "Counter light", "流理台燈")
    assert vocabulary(HouseLayout()) == ()
