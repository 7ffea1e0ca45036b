"""Plain commands are carried out and answered without the model."""

from __future__ import annotations

import pytest
from brain_harness.brain import Brain
from house_harness import FakeHomeAssistant
from wire_harness.clients import ask
from wyoming.info import Describe, Info


async def test_a_plain_command_is_carried_out_and_answered_from_the_result(
    brain: Brain, home_assistant: FakeHomeAssistant
) -> None:
    assert await brain.say("turn on the kitchen lamp") == "Turned on the light"
    assert home_assistant.house.household.states["light.kitchen_lamp"].value == "on"
    assert brain.llm.bodies == []
    report = brain.report()
    assert (report.worker, report.error_code, report.detail["fast_path"]) == (None, None, "HassTurnOn")
    (part,) = report.parts
    assert (part.kind, part.detail["done"]) == ("act", True)


async def test_several_commands_of_one_sentence_are_carried_out_in_their_order(
    brain: Brain, home_assistant: FakeHomeAssistant
) -> None:
    assert await brain.say("turn off the desk lamp and the counter light, then turn on the kettle") == (
        "Turned off the light. Turned on the switch."
    )
    assert [(run.name, run.slots["name"]) for run in home_assistant.house.runs] == [
        ("HassTurnOff", "light.desk_lamp"),
        ("HassTurnOff", "light.counter"),
        ("HassTurnOn", "switch.kettle"),
    ]
    assert brain.llm.bodies == []
    assert await brain.say("打開檯燈，然後關掉熱水壺", "zh-TW") == "檯燈已打開。熱水壺已關閉。"


async def test_of_several_commands_the_one_that_failed_is_admitted(
    brain: Brain, home_assistant: FakeHomeAssistant
) -> None:
    home_assistant.house.set_state("switch.kettle", "unavailable")
    await brain.control.house.household.wait_until(lambda home: home.states["switch.kettle"].value == "unavailable", 5)
    event = (await brain.events("turn on the kettle and the kitchen lamp"))[-1]
    assert (event.type, event.data["text"]) == ("handled", "Kettle cannot be reached. Turned on the light.")


async def test_several_commands_are_the_models_where_one_of_them_takes_thought(
    brain: Brain, home_assistant: FakeHomeAssistant
) -> None:
    brain.llm.answers.append(["Why did the lamp cross the road?"])
    await brain.say("turn on the kitchen lamp and tell me a joke")
    assert home_assistant.house.runs == [], "nothing is done twice"
    assert len(brain.llm.bodies) == 1


async def test_a_chinese_command_is_answered_in_chinese(brain: Brain) -> None:
    assert await brain.say("打開廚房燈", "zh-TW") == "廚房燈已打開"


async def test_the_lights_are_those_of_the_room_that_asks(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    await brain.say("turn on the lights", device="device-bedroom")
    states = home_assistant.house.household.states
    assert states["light.bedside"].value == "on"
    assert states["light.kitchen_lamp"].value == "off"


async def test_a_failed_command_is_admitted_as_a_failure(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.house.set_state("light.kitchen_lamp", "unavailable")
    await brain.control.house.household.wait_until(
        lambda household: household.states["light.kitchen_lamp"].value == "unavailable", 5
    )
    event = (await brain.events("turn on the kitchen lamp"))[-1]
    assert (event.type, event.data["text"]) == ("not-handled", "Kitchen lamp cannot be reached.")
    assert brain.report().error_code == "unreachable"


async def test_a_name_that_may_be_another_is_asked_about(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    assert await brain.say("turn on the ceiling light") == (
        "Which one do you mean: Ceiling light in Bedroom or Ceiling light in Living Room?"
    )
    assert home_assistant.house.runs == []


async def test_never_mind_ends_in_silence(brain: Brain) -> None:
    event = (await brain.events("never mind"))[-1]
    assert (event.type, event.data["text"]) == ("handled", "")


async def test_the_model_knows_what_a_plain_command_did(brain: Brain) -> None:
    await brain.say("turn on the kitchen lamp")
    brain.llm.answers.append(["I turned on the kitchen lamp."])
    await brain.say("what did you just do for me")
    assert [m["content"] for m in brain.llm.last[1:3]] == ["turn on the kitchen lamp", "Turned on the light"]


async def test_a_home_assistant_that_is_gone_is_said_so(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    await home_assistant.stop()
    event = (await brain.events("turn on the kitchen lamp"))[-1]
    assert event.type == "not-handled"
    assert event.data["text"] == "I cannot reach Home Assistant right now, so nothing was changed."
    await home_assistant.start()
    assert await brain.say("turn on the kitchen lamp") == "Turned on the light"


async def test_a_token_that_was_revoked_is_said_so(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.faults.tokens.clear()
    assert await brain.say("turn on the kitchen lamp") == (
        "Home Assistant does not let me in. The access token needs to be renewed."
    )
    assert brain.report().error_code == "home-assistant-refused"


async def test_a_command_that_never_returns_is_bounded(brain: Brain, home_assistant: FakeHomeAssistant) -> None:
    home_assistant.faults.hanging_intents = True
    assert await brain.say("turn on the kitchen lamp") == (
        "Home Assistant did not answer in time. Please check whether it worked."
    )


async def test_without_a_token_the_intent_goes_back(brain_without_token: Brain) -> None:
    event = (await brain_without_token.events("turn on the kitchen lamp"))[-1]
    assert event.type == "intent"
    assert (event.data["name"], {e["name"]: e["value"] for e in event.data["entities"]}["name"]) == (
        "HassTurnOn",
        "Kitchen lamp",
    )
    assert event.data["text"]
    assert brain_without_token.llm.bodies == []
    assert brain_without_token.report().error_code is None


async def test_without_a_token_several_intents_go_back_together(brain_without_token: Brain) -> None:
    events = await brain_without_token.events("turn on the kitchen lamp and turn off the counter light")
    assert [event.type for event in events[:2]] == ["intents-start", "intent"]
    assert events[1].data["name"] == "HassTurnOn"
    assert brain_without_token.llm.bodies == []


@pytest.mark.parametrize("text", ["never mind"])
async def test_without_a_token_never_mind_needs_no_home_assistant(brain_without_token: Brain, text: str) -> None:
    assert await brain_without_token.say(text) == ""


async def test_a_house_that_can_be_controlled_is_offered_as_such(brain: Brain) -> None:
    server = await brain.served()
    (program,) = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1]).handle
    assert program.supports_home_control
