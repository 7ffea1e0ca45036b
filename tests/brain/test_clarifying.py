"""We ask which one is meant; the answer is understood without a model."""

from __future__ import annotations

from typing import Any

import pytest
from brain_harness.brain import Brain
from brain_harness.door_client import DoorClient
from house_harness import FakeHomeAssistant

CEILING = ("light.bedroom_ceiling", "light.living_room_ceiling")


def states(home_assistant: FakeHomeAssistant, *entity_ids: str) -> list[str]:
    return [home_assistant.house.household.states[entity_id].value for entity_id in entity_ids]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("the bedroom one", ["on", "off"]),
        ("the first one please", ["on", "off"]),
        ("living room", ["off", "on"]),
        ("both", ["on", "on"]),
    ],
)
async def test_the_one_that_is_named_is_switched(
    brain: Brain, home_assistant: FakeHomeAssistant, reply: str, expected: list[str]
) -> None:
    home_assistant.house.set_state("light.living_room_ceiling", "off")
    assert (await brain.say("turn on the ceiling light")).startswith("Which one do you mean")
    assert await brain.say(reply) == "Turned on the light" + ("." if reply == "both" else "")
    assert states(home_assistant, *CEILING) == expected
    assert brain.llm.bodies == []
    assert brain.report().detail["fast_path"].startswith("HassTurnOn")


async def test_a_chinese_reply_is_understood(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    assert "哪一個" in await brain.say("打開大燈", "zh-TW")
    assert "大燈" in await brain.say("臥室的", "zh-TW")
    assert states(home_assistant, "light.bedroom_ceiling") == ["on"]
    assert brain.llm.bodies == []


async def test_what_was_to_be_done_is_kept_with_its_numbers(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    await brain.say("set the ceiling light to 30 percent")
    await brain.say("the bedroom one")
    (run,) = home_assistant.house.runs
    assert (run.name, run.slots["brightness"]) == ("HassLightSet", 30)
    assert brain.llm.bodies == []


async def test_none_of_them_changes_nothing(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    await brain.say("turn on the ceiling light")
    assert await brain.say("neither") == "All right, I leave it as it is."
    await brain.say("打開大燈", "zh-TW")
    assert await brain.say("都不要", "zh-TW") == "好，那我就不動它。"
    assert home_assistant.house.runs == []
    assert brain.llm.bodies == []


async def test_another_command_closes_the_question(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    await brain.say("turn on the ceiling light")
    assert await brain.say("turn on the kitchen lamp") == "Turned on the light"
    brain.llm.answers.append(["What about it?"])
    assert await brain.say("the one in the bedroom") == "What about it?"
    assert states(home_assistant, "light.bedroom_ceiling", "light.kitchen_lamp") == ["off", "on"]


async def test_somebody_elses_conversation_does_not_answer_the_question(brain: Brain) -> None:
    await brain.say("turn on the ceiling light", conversation="mine")
    brain.llm.answers.append(["What about it?"])
    assert await brain.say("the one in the bedroom", conversation="yours") == "What about it?"


async def test_a_sentence_that_answers_nothing_goes_to_the_model(brain: Brain) -> None:
    await brain.say("turn on the ceiling light")
    brain.llm.answers.append(["It is sunny."])
    assert await brain.say("tell me something about the sky") == "It is sunny."


async def test_a_misheard_lock_is_opened_after_a_yes(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    asked = await brain.say("unlock the frunt door lock")
    assert asked.startswith("Did you mean "), asked
    assert home_assistant.house.runs == []
    await brain.say("yes")
    assert states(home_assistant, "lock.front_door") == ["unlocked"]


async def test_without_a_token_the_intent_for_the_one_that_is_meant_goes_back(brain_without_token: Brain) -> None:
    await brain_without_token.say("turn on the ceiling light")
    event = (await brain_without_token.events("the bedroom one"))[-1]
    slots: dict[str, Any] = {entity["name"]: entity["value"] for entity in event.data["entities"]}
    assert (event.type, event.data["name"]) == ("intent", "HassTurnOn")
    assert slots["name"] == "Ceiling light"


async def test_the_other_door_understands_it_too(door: DoorClient, home_assistant: FakeHomeAssistant) -> None:
    await door.message("turn on the ceiling light", user="c1")
    assert (await door.message("the bedroom one", user="c1"))["content"] == "Turned on the light"
    assert states(home_assistant, "light.bedroom_ceiling") == ["on"]
