"""The conversation server on the fake LLM: answers, memory, parallel turns."""

from __future__ import annotations

import contextlib

from wire_harness.clients import Client, ask, connect
from wire_harness.conversing import ECHO, ScriptedLlm, answer, apology, converse, memory_of
from wire_harness.house import House
from wire_harness.waiting import PROMPT_S, quickest, seconds_until
from wyoming.asr import Transcript
from wyoming.info import Describe, Info


async def test_an_answer_is_streamed_and_then_given_whole(house: House) -> None:
    await house.llm_worker("chat", answer="The light is on.")
    server = await house.conversation()
    transcript = Transcript("hi", language="en", context={"conversation_id": "c1", "device_id": "d"})
    events = await ask(server.uri, transcript, until=["handled-stop"])
    kinds = [event.type for event in events]
    assert kinds == ["handled-start", *["handled-chunk"] * 4, "handled", "handled-stop"]
    assert "".join(e.data["text"] for e in events if e.type == "handled-chunk") == "The light is on."
    assert events[-2].data == {"text": "The light is on.", "context": transcript.context}
    assert events[0].data == {"context": transcript.context}


async def test_the_answer_leaves_while_the_model_still_writes(house: House) -> None:
    llm = ScriptedLlm("one ", "two")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hi"))
        assert [(await client.receive()).type for _ in range(2)] == ["handled-start", "handled-chunk"]
        llm.go.set()
        assert (await client.receive_until("handled"))[-1].data["text"] == "one two"


async def test_a_conversation_is_remembered_across_connections_and_not_across_ids(house: House) -> None:
    llm = ScriptedLlm("An answer.")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    await answer(server.uri, "first", conversation="a")
    await answer(server.uri, "other", conversation="b")
    await answer(server.uri, "second", conversation="a")
    said = [[(m["role"], m["content"]) for m in messages[1:]] for messages in llm.asked]
    assert said[1] == [("user", "other")]
    assert said[2] == [("user", "first"), ("assistant", "An answer."), ("user", "second")]


async def test_a_client_without_a_conversation_gets_one_to_go_on_with(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO)
    server = await house.conversation()
    first = (await converse(server.uri, "one", conversation=None))[-1]
    second = (await converse(server.uri, "two", conversation=None))[-1]
    assert (first.data["text"], second.data["text"]) == ("1: one", "1: two")
    conversation = first.data["context"]["conversation_id"]
    assert conversation != second.data["context"]["conversation_id"]
    assert await answer(server.uri, "three", conversation=conversation) == "2: three"


async def test_an_unusable_conversation_id_is_replaced(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO)
    server = await house.conversation()
    event = (await converse(server.uri, "one", conversation="x" * 5000))[-1]
    assert len(event.data["context"]["conversation_id"]) < 100


async def test_history_is_bounded_in_turns(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO)
    server = await house.conversation(settings={"history_turns": 2, "summarise": False})
    assert [await answer(server.uri, f"q{n}") for n in range(4)] == ["1: q0", "2: q1", "3: q2", "3: q3"]


async def test_a_silent_conversation_is_forgotten_in_time(house: House) -> None:
    now_s = 0.0
    await house.llm_worker("chat", answer=ECHO)
    server = await house.conversation(settings={"history_ttl_s": 100}, clock=lambda: now_s)
    assert await answer(server.uri, "a") == "1: a"
    now_s = 99.0
    assert await answer(server.uri, "b") == "2: b"
    now_s = 198.0
    assert await answer(server.uri, "c") == "3: c"
    now_s = 299.0
    assert await answer(server.uri, "d") == "1: d"


async def test_the_longest_silent_conversation_gives_way(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO)
    server = await house.conversation(settings={"max_conversations": 2})
    for conversation in ("a", "b", "a", "c"):
        await answer(server.uri, "q", conversation=conversation)
    assert await answer(server.uri, "q", conversation="a") == "3: q"
    assert await answer(server.uri, "q", conversation="b") == "1: q"


async def test_a_turn_that_is_hung_up_on_stops_the_model_and_keeps_what_was_said(house: House) -> None:
    llm = ScriptedLlm("half ", "an answer")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()

    async def attempt() -> float:
        async with connect(server.uri) as client:
            await client.send(Transcript("hi", context={"conversation_id": "c1"}))
            await client.receive_until("handled-chunk")
            gone = llm.gone
            return await seconds_until(client.abort, lambda: llm.gone > gone)

    assert await quickest(attempt) < PROMPT_S
    llm.go.set()
    await answer(server.uri, "again")
    kept, last = llm.asked[-1][1:-1], llm.asked[-1][-1]["content"]
    assert {(m["role"], m["content"].split("\n")[-1]) for m in kept} == {("user", "hi"), ("assistant", "half")}
    assert last == ("(your last answer was broken off: the person heard no more of it than is shown)\nagain")
    await answer(server.uri, "and again")
    assert llm.asked[-1][-1]["content"] == "and again"
    assert house.reports.ended[0].cancelled
    assert house.reports.ended[0].text_out == "half"


async def test_a_failed_turn_leaves_no_trace(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO, fault="drop", fault_after=1)
    server = await house.conversation()
    assert await answer(server.uri, "one") == "1: one"
    await apology(server.uri, "two")
    await apology(server.uri, "three")
    assert [m.content for m in memory_of(server).recall("c1")] == ["one", "1: one"]


async def test_the_offer_is_there_before_any_model(house: House) -> None:
    server = await house.conversation()
    (program,) = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1]).handle
    assert program.installed
    assert program.supports_handled_streaming
    assert not program.supports_home_control
    assert program.models[0].languages == ["en", "zh-TW", "zh"]


async def test_turns_run_side_by_side(house: House) -> None:
    llm = ScriptedLlm("one ", "two")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    async with contextlib.AsyncExitStack() as stack:
        clients: list[Client] = []
        for number in range(3):
            clients.append(await stack.enter_async_context(connect(server.uri)))
            await clients[-1].send(Transcript("hi", context={"conversation_id": f"c{number}"}))
        for client in clients:
            await client.receive_until("handled-chunk")
        llm.go.set()
        for client in clients:
            assert (await client.receive_until("handled"))[-1].data["text"] == "one two"


async def test_warming_up_shows_the_model_each_persona(house: House) -> None:
    llm = ScriptedLlm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    await server.server.handler._agent.warm_up(["en", "zh-TW"])  # type: ignore[attr-defined]
    assert [messages[0]["content"][:3] for messages in llm.asked] == ["You", "你是T"]
