"""A house without a token: what the model wants goes back to Home Assistant as intents."""

from __future__ import annotations

from typing import Any

from brain_harness.acting_llm import Call
from brain_harness.brain import Brain


def slots(event: Any) -> dict[str, Any]:
    return {entity["name"]: entity["value"] for entity in event.data["entities"]}


async def test_a_call_becomes_an_intent_with_the_template_of_its_answer(brain_without_token: Brain) -> None:
    brain_without_token.llm.answers.append([Call("HassLightSet", {"name": "Floor lamp", "brightness": 20})])
    event = (await brain_without_token.events("make it cosy please"))[-1]
    assert (event.type, event.data["name"]) == ("intent", "HassLightSet")
    assert slots(event) == {"name": "Floor lamp", "brightness": 20}
    assert event.data["text"]
    assert event.data["context"]["conversation_id"] == "c1"


async def test_several_calls_go_back_together(brain_without_token: Brain) -> None:
    names = ["Floor lamp", "Desk lamp"]
    brain_without_token.llm.answers.append([Call("HassTurnOn", {"name": name}) for name in names])
    events = await brain_without_token.events("make it cosy please")
    # The first of the two is what the client waits for; what frames them tells that there are more.
    assert [event.type for event in events[:2]] == ["intents-start", "intent"]


async def test_a_name_nobody_has_is_asked_back_and_nothing_is_handed_on(brain_without_token: Brain) -> None:
    calls = [Call("HassTurnOn", {"name": "Desk lamp"}), Call("HassTurnOn", {"name": "Reading lamp"})]
    brain_without_token.llm.answers += [calls, ["Both are on."]]
    event = (await brain_without_token.events("make it cosy please"))[-1]
    assert event.type == "handled"
    assert event.data["text"].startswith("Did you mean ")


async def test_arguments_that_make_no_sense_are_put_right_by_the_model(brain_without_token: Brain) -> None:
    wrong, right = ({"name": "Floor lamp", "brightness": level} for level in (250, 25))
    brain_without_token.llm.answers += [[Call("HassLightSet", wrong)], [Call("HassLightSet", right)]]
    event = (await brain_without_token.events("make it cosy please"))[-1]
    assert (event.type, slots(event)["brightness"]) == ("intent", 25)
    assert "out of bounds" in brain_without_token.llm.last[-1]["content"]


async def test_what_was_handed_back_is_remembered(brain_without_token: Brain) -> None:
    brain = brain_without_token
    brain.llm.answers += [[Call("HassTurnOn", {"name": "Floor lamp"})], ["The floor lamp."]]
    await brain.events("make it cosy please")
    assert await brain.say("which one did you turn on for me") == "The floor lamp."
    assert '"HassTurnOn": {"name": "Floor lamp"}' in brain.llm.last[-2]["content"]


async def test_a_chinese_answer_has_a_chinese_template(brain_without_token: Brain) -> None:
    brain_without_token.llm.answers.append([Call("HassTurnOn", {"name": "落地燈"})])
    event = (await brain_without_token.events("我想要看書", "zh-TW"))[-1]
    assert event.data["name"] == "HassTurnOn"
    assert any("\u4e00" <= char <= "\u9fff" for char in event.data["text"])
