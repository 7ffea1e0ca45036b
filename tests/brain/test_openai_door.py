"""The OpenAI-compatible door: the same brain, and good enough for Home Assistant's llama.cpp integration."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from brain_harness.acting_llm import Call, Dies, Fails
from brain_harness.door_client import KEY, DoorClient, text_of
from house_harness import FakeHomeAssistant
from wire_harness.waiting import PROMPT_S, quickest, seconds_until, until

from avatar_appliance.config import Settings
from wyoming_servers.openai_door import Door

ON = "intent__HassTurnOn"


def tool(name: str, *properties: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {p: {"type": "string"} for p in properties}}
    return {"type": "function", "function": {"name": name, "description": "x", "parameters": parameters}}


TOOLS = [tool("HassTurnOn", "name", "area", "domain"), tool("GetWeather")]
HOME_ASSISTANT = {"role": "system", "content": "You are a voice assistant for Home Assistant. You are in the Kitchen."}


async def test_the_models_are_listed(door: DoorClient) -> None:
    listed = (await door.http.get("models")).json()
    assert [(m["id"], m["object"]) for m in listed["data"]] == [("avatar", "model")]


async def test_what_home_assistant_tries_when_it_is_set_up(door: DoorClient) -> None:
    """As homeassistant/components/llama_cpp/api.py of 2026.11.0 asks: three tokens, with a tool, streamed and not."""
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    door.brain.llm.answers += [["Paris"], ["Paris"]]
    fields = {"max_tokens": 3, "tools": [tool("test_function")]}
    answer = (await door.chat(*messages, **fields)).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Paris"}
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] == 107
    events = await door.stream(*messages, **fields)
    assert text_of(events) == "Paris"
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    body = door.brain.llm.bodies[0]
    assert body["max_tokens"] == 3
    assert [t["function"]["name"] for t in body["tools"]] == ["test_function"]


async def test_the_models_calls_go_to_the_client_whole_and_one_by_one(door: DoorClient) -> None:
    calls = [Call("HassTurnOn", {"name": "Floor lamp"}), Call("GetWeather")]
    door.brain.llm.answers += [calls, calls]
    events = await door.stream(HOME_ASSISTANT, "make it cosy please", tools=TOOLS, user="c9")
    deltas = [e["choices"][0]["delta"] for e in events]
    pieces = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert [[(c["index"], c["function"]["name"], c["function"]["arguments"]) for c in p] for p in pieces] == [
        [(0, "HassTurnOn", '{"name": "Floor lamp"}')],
        [(1, "GetWeather", "{}")],
    ]
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"
    message = await door.message(HOME_ASSISTANT, "make it cosy please", tools=TOOLS)
    assert message["content"] is None
    assert [c["id"] for c in message["tool_calls"]] == ["id0", "id1"]


async def test_a_round_of_tools_is_one_thought_and_ends_in_an_answer(door: DoorClient) -> None:
    door.brain.llm.answers += [[Call("HassTurnOn", {"name": "Floor lamp"})], ["The floor lamp is on."]]
    asked = [HOME_ASSISTANT, {"role": "user", "content": "make it cosy please"}]
    message = await door.message(*asked, tools=TOOLS, user="c9")
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": '{"data": "done"}'}
    answer = await door.message(*asked, message, result, tools=TOOLS, user="c9")
    assert answer["content"] == "The floor lamp is on."
    roles = [m["role"] for m in door.brain.llm.last]
    assert roles == ["system", "user", "assistant", "tool"]
    first, second = door.brain.planes.reports.ended
    assert first.link_id == second.link_id is not None
    assert (first.detail["client_calls"], second.text_out) == (1, "The floor lamp is on.")
    assert second.conversation_id == "c9"


async def test_the_persona_and_what_the_client_adds_make_one_prompt(door: DoorClient) -> None:
    door.brain.llm.answers.append(["Hi."])
    await door.message(HOME_ASSISTANT, "hello there my friend", tools=TOOLS)
    (system,) = [m for m in door.brain.llm.last if m["role"] == "system"]
    assert system["content"].startswith("You are Testhaus")
    assert system["content"].endswith(HOME_ASSISTANT["content"])
    assert "Kitchen lamp" not in system["content"]  # the client knows the house


async def test_both_doors_give_the_same_answer(door: DoorClient, home_assistant: FakeHomeAssistant) -> None:
    brain = door.brain
    for text in ("turn on the kitchen lamp", "is the front door lock locked"):
        assert (await door.message(text))["content"] == await brain.say(text)
    script: list[Any] = [[Call(ON, {"name": "Floor lamp"})], ["The floor lamp is on."]]
    brain.llm.answers += [*script, *script]
    assert (await door.message("make it cosy please"))["content"] == await brain.say("make it cosy please")
    states = home_assistant.house.household.states
    assert (states["light.kitchen_lamp"].value, states["light.floor_lamp"].value) == ("on", "on")


async def test_a_plain_command_needs_no_model_even_with_the_clients_tools(
    door: DoorClient, home_assistant: FakeHomeAssistant
) -> None:
    events = await door.stream(HOME_ASSISTANT, "turn on the kitchen lamp", tools=TOOLS, user="c9")
    assert text_of(events) == "Turned on the light"
    assert home_assistant.house.household.states["light.kitchen_lamp"].value == "on"
    assert door.brain.llm.bodies == []


async def test_a_timer_is_left_to_the_client_who_knows_the_device(door: DoorClient) -> None:
    door.brain.llm.answers.append(["Which device?"])
    answer = await door.message(HOME_ASSISTANT, "set a timer for 5 minutes", tools=TOOLS)
    assert answer["content"] == "Which device?"


async def test_without_a_token_a_plain_command_is_a_call_of_the_clients_tool(door_without_token: DoorClient) -> None:
    door = door_without_token
    message = await door.message(HOME_ASSISTANT, "turn on the kitchen lamp", tools=TOOLS)
    (call,) = message["tool_calls"]
    assert call["function"]["name"] == "HassTurnOn"
    assert '"name": "Kitchen lamp"' in call["function"]["arguments"]
    assert door.brain.llm.bodies == []


async def test_without_a_token_and_tools_nothing_is_promised(door_without_token: DoorClient) -> None:
    door = door_without_token
    door.brain.llm.answers.append(["I cannot do that here."])
    assert (await door.message("turn on the kitchen lamp"))["content"] == "I cannot do that here."
    assert "tools" not in door.brain.llm.bodies[0]
    assert "cannot be controlled" in door.brain.llm.last[-1]["content"]


async def test_the_clients_history_counts_where_it_sends_one(door: DoorClient) -> None:
    door.brain.llm.answers += [["A."], ["B."], ["C."]]
    await door.message("tell me one", user="c1")
    await door.message("tell me two", user="c1")
    assert [m["content"].split("\n")[-1] for m in door.brain.llm.last[1:]] == ["tell me one", "A.", "tell me two"]
    history = [{"role": "user", "content": "mine"}, {"role": "assistant", "content": "yours"}]
    await door.message(*history, "tell me three", user="c1")
    assert [m["content"].split("\n")[-1] for m in door.brain.llm.last[1:]] == ["mine", "yours", "tell me three"]


async def test_a_chinese_question_gets_a_chinese_persona_and_traditional_script(door: DoorClient) -> None:
    door.brain.llm.answers.append(["灯开了。"])
    assert (await door.message("說個笑話給我聽", tools=TOOLS))["content"] == "燈開了。"
    assert door.brain.llm.last[0]["content"].startswith("你是Testhaus")


async def test_reasoning_stays_inside(door: DoorClient) -> None:
    door.brain.llm.answers.append(["<think>hm", "</think>", "Yes."])
    assert text_of(await door.stream("tell me something", tools=TOOLS)) == "Yes."


async def test_usage_is_told_to_who_wants_it(door: DoorClient) -> None:
    door.brain.llm.answers.append(["Yes."])
    events = await door.stream("tell me something", tools=TOOLS, stream_options={"include_usage": True})
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 90}


@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Basic {KEY}", "Bearer", "Bearer \xff"])
@pytest.mark.parametrize("path", ["models", "chat/completions"])
async def test_nobody_gets_in_without_the_key(door: DoorClient, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with httpx.AsyncClient(trust_env=False) as http:
        method = "GET" if path == "models" else "POST"
        response = await http.request(method, f"{door.url}/{path}", headers=headers, content=b"{}")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"messages": []}', "messages"),
        (b'{"messages": [{"role": "system", "content": "x"}]}', "messages"),
        (b'{"messages": [{"role": "clown", "content": "secret words"}]}', "messages.0.role"),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}', "max_tokens"),
        (b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function"}]}', "tools.0.function"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_by_its_place(door: DoorClient, body: bytes, place: str) -> None:
    response = await door.http.post("chat/completions", content=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["type"]) == ("bad-request", "invalid_request_error")
    assert error["message"].startswith(f"{place}: ")
    assert "secret" not in response.text


async def test_too_large_a_request_is_refused(door: DoorClient) -> None:
    response = await door.chat("x" * (2**20 + 10))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "frame-too-large")


async def test_another_path_is_not_there(door: DoorClient) -> None:
    assert (await door.http.get("embeddings")).status_code == 404
    assert (await door.http.get("chat/completions")).status_code == 405


async def test_a_model_that_fails_is_an_error_for_programs_and_a_sentence_for_people(door: DoorClient) -> None:
    door.brain.llm.answers += [[Fails()], [Fails()], ["Half a ", Dies()], ["Half a ", Dies()]]
    response = await door.chat("tell me something", tools=TOOLS)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "worker-failed")
    spoken = await door.message("tell me something", tools=TOOLS, user="c1")
    assert spoken["content"] == "I lost my train of thought. Please ask again."
    stream = await door.chat("tell me something", tools=TOOLS, stream=True)
    assert '"error": {' in stream.text
    assert "[DONE]" not in stream.text
    events = await door.stream("tell me something", tools=TOOLS, user="c1")
    assert text_of(events) == "Half a I lost my train of thought. Please ask again."
    assert {report.error_code for report in door.brain.planes.reports.ended} == {"worker-failed"}


async def test_a_client_that_hangs_up_stops_the_model(door: DoorClient) -> None:
    llm = door.brain.llm
    llm.go.clear()

    async def attempt() -> float:
        llm.answers.append(["one ", "two"])
        asked, gone = len(llm.bodies), llm.gone
        task = asyncio.create_task(door.chat("tell me something", tools=TOOLS, stream=True))
        await until(lambda: len(llm.bodies) > asked)
        took = await seconds_until(task.cancel, lambda: llm.gone > gone)
        await asyncio.gather(task, return_exceptions=True)
        return took

    assert await quickest(attempt) < PROMPT_S
    await until(lambda: door.brain.planes.reports.ended)
    assert door.brain.report().cancelled


async def test_more_than_so_many_at_once_are_told(door: DoorClient) -> None:
    llm = door.brain.llm
    llm.go.clear()
    llm.answers += [["one ", "two"] for _ in range(3)]
    tasks = [asyncio.create_task(door.chat("tell me something", tools=TOOLS)) for _ in range(2)]
    await until(lambda: len(llm.bodies) == 2)
    response = await door.chat("tell me something", tools=TOOLS)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "server-full")
    llm.go.set()
    assert {task.status_code for task in await asyncio.gather(*tasks)} == {200}
    assert (await door.chat("tell me something", tools=TOOLS)).status_code == 200


async def test_a_port_that_is_taken_leaves_the_house_the_other_door(
    door: DoorClient, caplog: pytest.LogCaptureFixture
) -> None:
    taken = int(door.url.rsplit(":", 1)[1].split("/")[0])
    settings = Settings.from_sources({"host": "127.0.0.1", "paths": {"state_dir": str(door.state_dir)}}, {})
    agent = door.brain.server.server.handler._agent  # type: ignore[union-attr]
    async with Door(settings, agent, door.brain.planes.recorder).open(taken) as port:
        assert port is None
    assert "conversation.openai_port" in caplog.text
