"""Answers at the OpenAI-compatible door say whose question they answer, where nobody sees it."""

from __future__ import annotations

import time

import pytest
from brain_harness.acting_llm import Call
from brain_harness.door_client import DoorClient, text_of

from wyoming_servers.conversation.agent import Agent
from wyoming_servers.own_voice.mark import mark_of, unmarked
from wyoming_servers.own_voice.questions import AskedQuestions
from wyoming_servers.own_voice.utterances import Utterance, Utterances, digest_of, write_utterances

QUESTION = "make it cosy please"
ID = "asker-0badcafe"
MARK = mark_of(ID)
TOOL = {"type": "function", "function": {"name": "GetWeather", "description": "x", "parameters": {"type": "object"}}}


@pytest.fixture
async def heard(door: DoorClient) -> DoorClient:
    """A door in a house where that was just said."""
    folder = door.state_dir.parent / "own-voice"
    write_utterances(folder, [Utterance(ID, time.monotonic(), digest_of(QUESTION))])
    agent: Agent = (await door.brain.served()).server.handler._agent  # type: ignore[attr-defined]
    agent.asked = AskedQuestions(Utterances(folder))
    return door


async def test_an_answer_to_an_utterance_is_marked_once_streamed_or_whole(heard: DoorClient) -> None:
    heard.brain.llm.answers += [["It is ", "cosy."], ["It is cosy."]]
    assert text_of(await heard.stream(QUESTION, user="c1")) == f"{MARK}It is cosy."
    assert (await heard.message(QUESTION, user="c1"))["content"] == f"{MARK}It is cosy."
    assert [report.text_out for report in heard.brain.planes.reports.ended] == ["It is cosy.", "It is cosy."]


async def test_all_rounds_of_a_thought_are_marked(heard: DoorClient) -> None:
    heard.brain.llm.answers += [[Call("GetWeather")], ["It is cosy."]]
    message = await heard.message(QUESTION, tools=[TOOL], user="c1")
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "{}"}
    user = {"role": "user", "content": QUESTION}
    answer = await heard.message(user, message, result, tools=[TOOL], user="c1")
    assert answer["content"] == f"{MARK}It is cosy."


async def test_what_a_client_hands_back_reaches_the_model_without_marks(heard: DoorClient) -> None:
    heard.brain.llm.answers += [["It is cosy."], ["Warm, too."]]
    said = (await heard.message(QUESTION, user="c1"))["content"]
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": said}]
    await heard.message(*history, {"role": "user", "content": "and warm?"}, user="c1")
    assert unmarked(str(heard.brain.llm.last)) == str(heard.brain.llm.last)
    assert "It is cosy." in str(heard.brain.llm.last)


@pytest.mark.parametrize(("question", "user"), [(QUESTION, None), ("something typed", "c1")])
async def test_nobodys_words_and_programs_that_do_not_speak_get_plain_text(
    heard: DoorClient, question: str, user: str | None
) -> None:
    heard.brain.llm.answers.append(["It is cosy."])
    assert (await heard.message(question, **({"user": user} if user else {})))["content"] == "It is cosy."
