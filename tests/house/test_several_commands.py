"""Several commands in one sentence: each is understood, or none is taken."""

from __future__ import annotations

import pytest
from house_harness.commands import notation

from wyoming_servers.conversation.fast_path import FastPath
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.household import Household
from wyoming_servers.house.layout import HouseLayout


def several(fast_path: FastPath, household: Household, text: str, area_id: str | None = None) -> list[str]:
    area = household.layout.areas_by_id[area_id] if area_id else None
    language = "zh-TW" if any(char >= "\u4e00" for char in text) else "en"
    return notations(fast_path.understand(text, language, household.layout, area))


def notations(found: object) -> list[str]:
    """Of what was understood as several; empty for one command, a doubt, and none."""
    return [notation(one) for one in found] if isinstance(found, tuple) and len(found) > 1 else []


BOTH_OFF = ["HassTurnOff name=light.desk_lamp", "HassTurnOff name=switch.printer"]
BOTH_ON = ["HassTurnOn name=light.desk_lamp", "HassTurnOn name=switch.printer"]
THREE_ON = [
    "HassTurnOn name=light.kitchen_lamp",
    "HassTurnOn name=switch.coffee_maker",
    "HassTurnOn name=switch.kettle",
]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("turn off the desk lamp and the printer", BOTH_OFF),
        ("turn off desk lamp and printer", BOTH_OFF),
        ("Turn both the desk lamp and the printer off, please.", BOTH_OFF),
        ("turn on the kitchen lamp, the coffee maker and the kettle", THREE_ON),
        (
            "set the desk lamp and the floor lamp to 30 percent",
            ["HassLightSet brightness=30 name=light.desk_lamp", "HassLightSet brightness=30 name=light.floor_lamp"],
        ),
        (
            "turn on the lights in the kitchen and the office",
            ["HassTurnOn area=kitchen domain=light", "HassTurnOn area=office domain=light"],
        ),
        (
            "open the living room blinds to 50 percent and set the thermostat to 21.5 degrees",
            [
                "HassSetPosition name=cover.living_room_blinds position=50",
                "HassClimateSetTemperature name=climate.living_room temperature=21.5",
            ],
        ),
        ("turn on the desk lamp. Then turn off the printer.", [BOTH_ON[0], BOTH_OFF[1]]),
        ("turn off the kitchin lamp, the desk lamp", ["HassTurnOff name=light.kitchen_lamp", BOTH_OFF[0]]),
        ("turn on the kitchin lamp and the printer", ["HassTurnOn name=light.kitchen_lamp", BOTH_ON[1]]),
        ("關掉檯燈和印表機", BOTH_OFF),
        ("把檯燈跟印表機都關掉", BOTH_OFF),
        ("打開廚房燈、咖啡機、熱水壺", THREE_ON),
        ("打開檯燈，然後關掉印表機", [BOTH_ON[0], BOTH_OFF[1]]),
        ("打開檯燈 關掉印表機", [BOTH_ON[0], BOTH_OFF[1]]),
        ("打开台灯再关掉打印机", [BOTH_ON[0], BOTH_OFF[1]]),  # what the mainland calls a printer
        ("請打開檯燈，關掉印表機，謝謝", [BOTH_ON[0], BOTH_OFF[1]]),
    ],
)
def test_each_command_is_understood_in_its_order(
    fast_path: FastPath, household: Household, text: str, commands: list[str]
) -> None:
    assert several(fast_path, household, text) == commands


@pytest.mark.parametrize(
    "text",
    [
        "turn on the desk lamp",
        "turn on the desk lamp and tell me a joke",
        "turn on the desk lamp but not the printer",
        "desk lamp and printer",
        "turn off the flux capacitor, the desk lamp",  # alone, "the desk lamp" would turn it on
        "don't turn on the desk lamp and the printer",
        "turn everything off except the desk lamp and the printer",
        "if I turn on the desk lamp, turn off the printer",
        "turn off the desk lamp, no wait, turn on the printer",
        "who turned on the desk lamp and the printer",
        "turn on the desk lamp or the printer",
        "are the desk lamp and the printer on",  # "Yes. No." tells nobody which
        "檯燈和印表機開著嗎",
        "把檯燈和印表機都不要打開",
        "別把檯燈和印表機打開",
        "除了檯燈和印表機全部關掉",
        "誰打開了檯燈和印表機",
        "turn on the kitchen lamp and the printer and the kettle and the fountain and the floor lamp",  # too many
        "turn on the desk lamp and the printer " * 20,
        "and", "，", "和", "",
        "，" * 240, "和" * 240, "a and " * 39, "kitchen lamp, " * 17, "[{( and " * 30, "\x00 and \ud800 then",
    ],
)  # fmt: skip
def test_what_is_not_all_plain_commands_is_taken_for_none(fast_path: FastPath, household: Household, text: str) -> None:
    assert several(fast_path, household, text) == []


def test_a_name_that_holds_an_and_is_one_name() -> None:
    layout = HouseLayout(
        entities=(
            Entity("light.pair", "Salt and pepper lamp", ("和室燈",)),
            Entity("light.desk", "Desk lamp", ("檯燈",)),
        )
    )
    both = ["HassTurnOn name=light.pair", "HassTurnOn name=light.desk"]
    for text in ("turn on the salt and pepper lamp and the desk lamp", "打開和室燈和檯燈"):
        assert notations(FastPath().understand(text, "zh-TW", layout)) == both


def test_the_asking_room_is_meant_by_every_command_that_names_none(fast_path: FastPath, household: Household) -> None:
    text = "turn off the lights and start a timer for five minutes"
    assert several(fast_path, household, text, "kitchen") == [
        "HassTurnOff area=kitchen domain=light",
        "HassStartTimer minutes=5",
    ]


def test_a_room_that_was_named_before_is_not_forgotten(fast_path: FastPath, household: Household) -> None:
    """Whose lights are meant after the bedroom's curtains, nobody can tell in the kitchen: in the bedroom one can."""
    text = "open the curtains in the bedroom and turn on the lights"
    assert several(fast_path, household, text, "kitchen") == []
    assert several(fast_path, household, text, "bedroom") != []
