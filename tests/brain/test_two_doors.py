"""Two doors, one brain: the same answers, the same memory, the same honest sentence when there is no model."""

from __future__ import annotations

from typing import Any

import pytest
from brain_harness.acting_llm import Call, Fails
from brain_harness.door_client import DoorClient
from brain_harness.remembering import Remembering
from house_harness import FakeHomeAssistant

ON = "intent__HassTurnOn"


async def both(door: DoorClient, text: str, language: str, conversation: str = "c1") -> tuple[str, str]:
    """Ask at both doors, in a conversation of each; return the answers."""
    here = await door.brain.say(text, language, conversation=f"{conversation}-here")
    there = (await door.message(text, user=f"{conversation}-there"))["content"]
    return here, str(there)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("turn on the kitchen lamp", "en"),
        ("打開廚房燈", "zh-TW"),
        ("is the front door lock locked", "en"),
        ("turn on the ceiling light", "en"),
        ("打開大燈", "zh-TW"),
        ("never mind", "en"),
        ("不用了", "zh-TW"),
    ],
)
async def test_what_needs_no_model_is_answered_alike(door: DoorClient, text: str, language: str) -> None:
    here, there = await both(door, text, language)
    assert here == there
    assert door.brain.llm.bodies == []


@pytest.mark.parametrize(
    ("script", "text", "language"),
    [
        ([["Why did the <b>", "lamp</b> laugh?"]], "tell me a joke", "en"),
        ([["<think>hm</think>", "灯笑了。"]], "說個笑話給我聽", "zh-TW"),
        ([[Call(ON, {"name": "Floor lamp"})], ["The floor lamp is on."]], "make it cosy please", "en"),
        ([[Call(ON, {"name": "Moon lamp"})], ["I could not find that."]], "make it cosy please", "en"),
    ],
)
async def test_the_model_is_asked_alike_and_its_answer_given_alike(
    door: DoorClient, home_assistant: FakeHomeAssistant, script: list[Any], text: str, language: str
) -> None:
    door.brain.llm.answers += [*script, *script]
    here, there = await both(door, text, language)
    assert here == there != ""
    bodies = door.brain.llm.bodies
    half = len(bodies) // 2
    assert [_without_time(body) for body in bodies[:half]] == [_without_time(body) for body in bodies[half:]]


@pytest.mark.parametrize(
    ("language", "text", "sentence"),
    [
        ("en", "tell me a joke", "I lost my train of thought. Please ask again."),
        ("zh-TW", "說個笑話給我聽", "我剛剛斷了思緒，請再問一次。"),
    ],
)
async def test_the_last_rung_is_an_honest_sentence_in_the_askers_language(
    door: DoorClient, language: str, text: str, sentence: str
) -> None:
    door.brain.llm.answers += [[Fails()], [Fails()]]
    assert await both(door, text, language) == (sentence, sentence)


@pytest.mark.parametrize(
    ("language", "text", "sentence"),
    [
        ("en", "tell me a joke", "The graphics card is busy with something else. I can answer again when it is free."),
        ("zh-TW", "說個笑話給我聽", "顯示卡正在忙別的事，等它空出來我就能回答了。"),
    ],
)
async def test_a_denial_is_told_at_once_in_the_askers_language(
    door: DoorClient, language: str, text: str, sentence: str
) -> None:
    coordinator = await door.brain.planes.coordinator()
    coordinator.book.denial = ("guest-mode", None)
    assert await both(door, text, language) == (sentence, sentence)
    assert {report.error_code for report in door.brain.planes.reports.ended} == {"guest-mode"}
    assert door.brain.llm.bodies == []


async def test_what_is_told_at_one_door_is_known_at_the_other(remembering: Remembering, door: DoorClient) -> None:
    door.brain.llm.answers += [["A lamp."], ["A second lamp."]]
    await door.brain.say("tell me about one thing", conversation="shared")
    await door.message("and tell me another", user="shared")
    said = [m["content"].split("\n")[-1] for m in door.brain.llm.last[1:]]
    assert said == ["tell me about one thing", "A lamp.", "and tell me another"]


def _without_time(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out the note of when it was asked: a minute may pass between the two."""
    messages = [{**m, "content": m["content"].split("\n")[-1]} for m in body["messages"]]
    return {**body, "messages": messages}
