"""Somebody does not want to hear more: by hanging up, by "stop", by ending the speech."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from brain_harness.brain import Brain
from brain_harness.door_client import DoorClient, text_of
from brain_harness.remembering import Remembering
from wire_harness.clients import connect
from wire_harness.conversing import memory_of
from wire_harness.waiting import PROMPT_S, quickest, until
from wyoming.asr import Transcript

NOTE = "your last answer was broken off: the person heard no more of it than is shown"
LONG = "There are nine planets in the sky, and each of them has a name that somebody gave it long ago."


def last(brain: Brain, conversation: str = "c1") -> Any:
    assert brain.server is not None
    return memory_of(brain.server).last(conversation)


@pytest.mark.parametrize(
    ("stop", "language"), [("stop", "en"), ("never mind", "en"), ("停", "zh-TW"), ("不用了", "zh-TW")]
)
async def test_stop_ends_the_work_of_the_running_answer_at_once(brain: Brain, stop: str, language: str) -> None:
    llm = brain.llm
    server = await brain.served()
    llm.go.clear()

    async def attempt() -> float:
        llm.answers.append(["Half a ", "sentence."])
        async with connect(server.uri) as client:
            context = {"conversation_id": "c1"}
            await client.send(Transcript("tell me something", language="en", context=context))
            await client.receive_until("handled-chunk")
            gone, began = llm.gone, asyncio.get_running_loop().time()
            assert await brain.say(stop, language) == ""
            await until(lambda: llm.gone > gone)
            took = asyncio.get_running_loop().time() - began
            # What comes whole is spoken: nothing is.
            assert (await client.receive_until("handled"))[-1].data["text"] == ""
        return took

    assert await quickest(attempt) < PROMPT_S
    assert (last(brain).answer, last(brain).broken_off) == ("Half a", True)
    assert {report.error_code for report in brain.planes.reports.ended} == {None}


async def test_stop_is_for_the_conversation_or_the_device_that_says_it(brain: Brain) -> None:
    llm = brain.llm
    server = await brain.served()
    llm.answers.append(["Half a ", "sentence."])
    llm.go.clear()
    async with connect(server.uri) as client:
        context = {"conversation_id": "c1", "device_id": "device-kitchen"}
        await client.send(Transcript("tell me something", language="en", context=context))
        await client.receive_until("handled-chunk")
        await brain.say("stop", conversation="c2", device="device-bedroom")
        assert llm.gone == 0
        await brain.say("stop", conversation="c3", device="device-kitchen")
        await client.receive_until("handled")
        assert llm.gone == 1


async def test_stop_at_the_other_door_ends_the_stream_with_what_was_said(door: DoorClient) -> None:
    llm = door.brain.llm
    llm.answers.append(["Half a ", "sentence."])
    llm.go.clear()
    speaking = asyncio.create_task(door.stream("tell me something", user="c1"))
    await until(lambda: door.brain.llm.bodies)
    await until(lambda: llm.gone == 0 and door.brain.planes.reports.started)
    assert text_of(await door.stream("stop", user="c1")) == ""
    events = await speaking
    assert text_of(events) in ("", "Half a ")
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


async def test_the_next_prompt_notes_once_that_the_answer_was_broken_off(brain: Brain) -> None:
    llm = brain.llm
    server = await brain.served()
    llm.answers.append(["Half a ", "sentence."])
    llm.go.clear()
    async with connect(server.uri) as client:
        await client.send(Transcript("tell me something", language="en", context={"conversation_id": "c1"}))
        await client.receive_until("handled-chunk")
        client.abort()
        await until(lambda: llm.gone)
    llm.go.set()
    llm.answers += [["Yes."], ["No."]]
    await brain.say("and what else is there")
    assert [m["content"] for m in llm.last if m["role"] == "assistant"] == ["Half a"]
    assert NOTE in llm.last[-1]["content"]
    await brain.say("is that all there is")
    assert NOTE not in llm.last[-1]["content"]
    assert NOTE in llm.last[-3]["content"]  # the prompt still begins as the one before


async def test_a_turn_of_which_nothing_was_said_is_forgotten(brain: Brain) -> None:
    llm = brain.llm
    server = await brain.served()
    llm.answers.append(["", "sentence."])
    llm.go.clear()
    async with connect(server.uri) as client:
        await client.send(Transcript("tell me something", language="en", context={"conversation_id": "c1"}))
        await until(lambda: llm.bodies)
        client.abort()
        await until(lambda: llm.gone)
    assert last(brain) is None


async def test_what_the_speech_was_hung_up_on_is_not_remembered_as_said(remembering: Remembering, brain: Brain) -> None:
    llm = brain.llm
    llm.answers += [[LONG], ["Yes."]]
    await brain.say("tell me about the planets")
    report = brain.report()
    await remembering.save_turn(
        report, started_at=report.started_at, first_output_at=report.started_at + 1, ended_at=report.started_at + 3.5,
        text_in=LONG, cancelled=True,
    )  # fmt: skip
    await brain.say("and what else is there")
    (heard,) = [m["content"] for m in llm.last if m["role"] == "assistant"]
    assert heard == "There are nine planets in"
    assert NOTE in llm.last[-1]["content"]


async def test_stop_while_it_is_spoken_keeps_what_was_heard(remembering: Remembering, brain: Brain) -> None:
    llm = brain.llm
    llm.answers += [[LONG], ["Yes."]]
    await brain.say("tell me about the planets")
    report = brain.report()
    # Its first sound is not out yet: nobody heard anything.
    await remembering.save_turn(report, started_at=report.started_at, text_in=LONG)
    assert await brain.say("stop") == ""
    assert last(brain) is None


async def test_stop_after_the_answer_was_heard_changes_nothing(remembering: Remembering, brain: Brain) -> None:
    brain.llm.answers += [[LONG], ["Yes."]]
    await brain.say("tell me about the planets")
    report = brain.report()
    await remembering.save_turn(
        report, started_at=report.started_at - 60, first_output_at=report.started_at - 60, ended_at=report.started_at,
        text_in=LONG,
    )  # fmt: skip
    await brain.say("stop")
    assert (last(brain).answer, last(brain).broken_off) == (LONG, False)


async def test_never_mind_is_understood_without_a_house(brain_without_token: Brain) -> None:
    assert await brain_without_token.say("不用了，謝謝", "zh-TW") == ""
    assert brain_without_token.llm.bodies == []
