"""A house without a token: intents are handed back for Home Assistant to carry out."""

from __future__ import annotations

import math
from typing import Any

import pytest
from wyoming.intent import Intent, IntentsStart, IntentsStop

from avatar_appliance.errors import BadRequest
from wyoming_servers.conversation.fast_path import FastPath, Recognised
from wyoming_servers.house.acting.intent_call import IntentCall
from wyoming_servers.house.acting.intent_tools import call_of_tool, intent_tools
from wyoming_servers.house.acting.wyoming_intents import intent_events
from wyoming_servers.house.errors import ToolUnknown
from wyoming_servers.house.household import Household

CONTEXT = {"conversation_id": "01ABC", "device_id": "device-kitchen"}


def call(fast_path: FastPath, household: Household, text: str, language: str) -> IntentCall:
    found = fast_path.recognise(text, language, household.layout, household.layout.areas_by_id["kitchen"])
    assert isinstance(found, Recognised)
    return found.call


def test_one_intent_is_one_event_with_names_and_a_template(fast_path: FastPath, household: Household) -> None:
    (event,) = intent_events([call(fast_path, household, "打開廚房燈", "zh-TW")], "zh-TW", CONTEXT)
    intent = Intent.from_event(event)
    assert (intent.name, intent.text, intent.context) == ("HassTurnOn", "{{ slots.name|default('') }}已打開", CONTEXT)
    assert [(e.name, e.value) for e in intent.entities] == [("name", "廚房燈")]


def test_the_room_goes_as_a_name_and_the_kind_as_it_is(fast_path: FastPath, household: Household) -> None:
    (event,) = intent_events([call(fast_path, household, "turn off the lights", "en")], "en")
    entities = {e.name: e.value for e in Intent.from_event(event).entities}
    assert entities == {"domain": "light", "area": "Kitchen"}
    assert Intent.from_event(event).text == "Turned off the lights"


def test_several_intents_are_bracketed(fast_path: FastPath, household: Household) -> None:
    calls = [call(fast_path, household, f"turn on the {name}", "en") for name in ("kettle", "printer")]
    first, one, other, last = intent_events(calls, "en", CONTEXT)
    assert IntentsStart.is_type(first.type)
    assert [Intent.from_event(e).entities[0].value for e in (one, other)] == ["Kettle", "Printer"]
    assert IntentsStop.is_type(last.type)


def test_a_mainland_template_is_answered_in_the_askers_characters() -> None:
    mainland = IntentCall("HassTurnOff", "zh-CN", response="lights_area")
    (event,) = intent_events([mainland], "zh-TW")
    (own,) = intent_events([mainland], "zh-CN")
    assert Intent.from_event(event).text != Intent.from_event(own).text
    assert "灯" not in str(Intent.from_event(event).text)


def test_the_tools_are_sorted_and_strict() -> None:
    names = [tool.name for tool in intent_tools()]
    assert names == sorted(names)
    assert all(tool.parameters["additionalProperties"] is False for tool in intent_tools())
    assert {"HassTurnOn", "HassStartTimer", "HassListAddItem", "HassSetPosition", "HassMediaPause"} <= set(names)


@pytest.mark.parametrize(
    ("name", "arguments", "slots", "response"),
    [
        ("HassTurnOn", {"name": " Kitchen lamp ", "area": ""}, {"name": "Kitchen lamp"}, "default"),
        ("HassTurnOff", {"area": "Kitchen", "domain": "light"}, {"area": "Kitchen", "domain": "light"}, "lights_area"),
        ("HassTurnOn", {"name": "Movie night", "domain": "scene"}, {"name": "Movie night", "domain": "scene"}, "scene"),
        ("HassLightSet", {"name": "Lamp", "brightness": "40"}, {"name": "Lamp", "brightness": 40}, "brightness"),
        ("HassClimateSetTemperature", {"temperature": 21.5}, {"temperature": 21.5}, "default"),
        ("HassStartTimer", {"minutes": 5, "nonsense": 1}, {"minutes": 5}, "default"),
        ("HassListAddItem", {"item": "milk", "name": "Shopping"}, {"item": "milk", "name": "Shopping"}, "item_added"),
        ("HassListCompleteItem", {"item": "milk", "name": "Shop"}, {"item": "milk", "name": "Shop"}, "item_completed"),
        ("HassListRemoveItem", {"item": "milk", "name": "Shop"}, {"item": "milk", "name": "Shop"}, "item_deleted"),
        ("HassCancelTimer", {"start_minutes": 10, "minutes": 3}, {"start_minutes": 10}, "default"),
        ("HassIncreaseTimer", {"minutes": 3, "start_hours": 1}, {"minutes": 3, "start_hours": 1}, "default"),
        ("HassMediaSearchAndPlay", {"search_query": "jazz"}, {"search_query": "jazz"}, "default"),
        ("HassBroadcast", {"message": "dinner"}, {"message": "dinner"}, "default"),
        ("HassGetState", {"name": "Door", "state": "open"}, {"name": "Door", "state": "open"}, "one_yesno"),
    ],
)
def test_a_models_call_becomes_an_intent(
    name: str, arguments: dict[str, Any], slots: dict[str, Any], response: str
) -> None:
    made = call_of_tool(name, arguments, "en")
    assert {key: slot.value for key, slot in made.slots.items()} == slots
    assert made.response == response


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("HassLightSet", {"brightness": 140}),
        ("HassLightSet", {"brightness": "bright"}),
        ("HassLightSet", {"brightness": math.nan}),
        ("HassSetPosition", {"name": "Blinds"}),
        ("HassTurnOn", {"name": ["a"]}),
        ("HassTurnOn", {"name": "x" * 5000}),
        ("HassTurnOn", {"domain": "shell_command"}),
        ("HassListAddItem", {"item": "milk"}),
        ("HassListCompleteItem", {"item": "milk"}),
        ("HassMediaSearchAndPlay", {"area": "Kitchen"}),
        ("HassBroadcast", {}),
    ],
)
def test_a_call_with_wrong_arguments_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        call_of_tool(name, arguments, "en")


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_every_tool_has_an_answer_in_either_language(language: str) -> None:
    values = {"string": "milk", "integer": 5, "number": 5}
    for tool in intent_tools():
        schemas = tool.parameters["properties"]
        arguments = {key: values[schemas[key]["type"]] for key in tool.parameters.get("required", ())}
        (event,) = intent_events([call_of_tool(tool.name, arguments, language)], language)
        assert Intent.from_event(event).text, tool.name


def test_a_tool_that_does_not_exist() -> None:
    with pytest.raises(ToolUnknown):
        call_of_tool("HassUnlockEverything", {}, "en")
