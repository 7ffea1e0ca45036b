"""Commands about what nobody has: said so by a house whose model cannot act, instead of "it is on"."""

from __future__ import annotations

import pytest

from wyoming_servers.conversation.fast_path import Doubt, FastPath, Unsure
from wyoming_servers.conversation.fast_path.question import question_for
from wyoming_servers.house.household import Household


@pytest.mark.parametrize(
    ("text", "language", "heard"),
    [
        ("turn on the attic lamp", "en", "attic lamp"),
        ("Could you please switch the sauna heater off?", "en", "sauna heater"),
        ("open the sauna door please", "en", "sauna door"),
        ("打開閣樓的燈", "zh-TW", "閣樓的燈"),
        ("請把三溫暖的門關上", "zh-TW", "三溫暖的門"),
        ("打開閣樓的燈", "en", "閣樓的燈"),
    ],
)
def test_a_command_with_a_name_nobody_has_is_known_as_such(
    fast_path: FastPath, household: Household, text: str, language: str, heard: str
) -> None:
    found = fast_path.unclear(text, language, household.layout)
    assert found is not None
    assert (found.doubt, found.heard) == (Doubt.UNKNOWN, heard)
    assert len(found.suggestions) <= 3
    assert not any((one.entity_id or "").startswith(("person.", "sensor.")) for one in found.suggestions)
    said = question_for(found)
    assert heard in said
    assert said.startswith("我不知道" if "燈" in text or "門" in text else "I know nothing called")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("turn on the desk lamp and the counter light", "en"),
        ("turn it off", "en"),
        ("turn on some music", "en"),
        ("open a bank account", "en"),
        ("how do I turn on the computer", "en"),
        ("tell me how to open the jar", "en"),
        ("關掉檯燈和流理台燈", "zh-TW"),
        ("把它關掉", "zh-TW"),
        ("電腦要怎麼開機", "zh-TW"),
        ("法國的首都是哪裡", "zh-TW"),
        ("", "en"),
    ],
)
def test_what_may_be_something_else_is_left_to_the_model(
    fast_path: FastPath, household: Household, text: str, language: str
) -> None:
    assert fast_path.unclear(text, language, household.layout) is None


@pytest.mark.parametrize(
    ("text", "language", "said"), [("turn on the lights", "en", "room"), ("開燈", "zh-TW", "房間")]
)
def test_what_needs_a_room_is_asked_for_one(
    fast_path: FastPath, household: Household, text: str, language: str, said: str
) -> None:
    found = fast_path.unclear(text, language, household.layout)
    assert isinstance(found, Unsure)
    assert found.doubt is Doubt.NO_ROOM
    assert said in question_for(found)
    here = household.layout.areas_by_id["kitchen"]
    assert not isinstance(fast_path.recognise(text, language, household.layout, here), Unsure)
