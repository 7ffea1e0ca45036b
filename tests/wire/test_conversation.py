"""The conversation server on the fake LLM, served by uvicorn on a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from wire_harness.clients import Client, ask, connect
from wire_harness.house import House
from wire_harness.waiting import PROMPT_S, quickest, seconds_until, until
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe, Info

ECHO = "{turn}: {text}"


async def converse(uri: str, text: str, language: str | None = "en", conversation: str | None = "c1") -> list[Event]:
    """Ask and return everything up to the final answer."""
    context = {"conversation_id": conversation} if conversation else None
    transcript = Transcript(text, language=language, context=context)
    return await ask(uri, transcript, until=["handled", "not-handled"])


async def answer(uri: str, text: str, language: str | None = "en", conversation: str | None = "c1") -> str:
    event = (await converse(uri, text, language, conversation))[-1]
    assert event.type == "handled", event.data
    return str(event.data["text"])


async def apology(uri: str, text: str = "hello", language: str = "en") -> str:
    event = (await converse(uri, text, language))[-1]
    assert event.type == "not-handled", event.data
    return str(event.data["text"])


class Llm:
    """An endpoint of the test's own: remembers what it was asked, answers what it is told."""

    def __init__(self, *pieces: str, status: int = 200, error: str = "") -> None:
        self.app = FastAPI(openapi_url=None)
        self.asked: list[list[dict[str, str]]] = []
        self.gone = 0
        self.go = asyncio.Event()
        self.go.set()
        self.pieces = pieces
        self.most_messages = 10_000

        @self.app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"data": [{"id": "test"}]}

        @self.app.post("/v1/chat/completions")
        async def chat(request: Request) -> Any:
            body = await request.json()
            if len(body["messages"]) > self.most_messages:
                message = "the request exceeds the available context size"
                return JSONResponse({"error": {"message": message}}, status_code=400)
            self.asked.append(body["messages"])
            if status != 200:
                return JSONResponse({"error": {"message": error}}, status_code=status)
            return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        try:
            for piece in self.pieces:
                yield f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n"
                await self.go.wait()
            yield 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
        finally:
            self.gone += 1


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
    llm = Llm("one ", "two")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hi"))
        assert [(await client.receive()).type for _ in range(2)] == ["handled-start", "handled-chunk"]
        llm.go.set()
        assert (await client.receive_until("handled"))[-1].data["text"] == "one two"


async def test_a_conversation_is_remembered_across_connections_and_not_across_ids(house: House) -> None:
    llm = Llm("An answer.")
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
    server = await house.conversation(settings={"history_turns": 2})
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


async def test_a_cancelled_turn_leaves_no_trace_and_stops_the_model(house: House) -> None:
    llm = Llm("half ", "an answer")
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
    assert [m["content"] for m in llm.asked[-1][1:]] == ["again"]
    assert house.reports.ended[0].cancelled
    assert house.reports.ended[0].text_out == "half"


async def test_a_failed_turn_leaves_no_trace(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO, fault="drop", fault_after=1)
    server = await house.conversation()
    assert await answer(server.uri, "one") == "1: one"
    await apology(server.uri, "two")
    await apology(server.uri, "three")
    assert [m.content for m in _memory(server).recall("c1")] == ["one", "1: one"]


def _memory(served: Any) -> Any:
    return served.server.handler._agent._memory


# -- language ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "persona"),
    [
        ("en", "hi", "You are Testhaus"),
        ("en-US", "hi", "You are Testhaus"),
        ("zh-TW", "hi", "你是Testhaus"),
        ("zh_TW", "hi", "你是Testhaus"),
        ("zh", "hi", "你是Testhaus"),
        ("fr", "salut", "You are Testhaus"),
        (None, "早安", "你是Testhaus"),
        (None, "good morning", "You are Testhaus"),
        ("*", "早安", "你是Testhaus"),
        ("", "早安", "你是Testhaus"),
    ],
)
async def test_the_persona_follows_the_language(house: House, language: str | None, text: str, persona: str) -> None:
    llm = Llm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    await answer(server.uri, text, language)
    assert llm.asked[0][0]["role"] == "system"
    assert llm.asked[0][0]["content"].startswith(persona)


async def test_a_mandarin_answer_comes_in_traditional_characters_with_its_spaces(house: House) -> None:
    llm = Llm("厨房的", "灯已经打", "开了。 The kitchen", " light. Is on. 请问", "还有别的吗")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    events = await converse(server.uri, "hi", "zh-TW")
    whole = events[-1].data["text"]
    assert whole.startswith("廚房的燈已經")
    assert whole.endswith("。 The kitchen light. Is on. 請問還有別的嗎")
    assert "".join(e.data["text"] for e in events if e.type == "handled-chunk") == whole


async def test_simplified_stays_where_it_is_asked_for(house: House) -> None:
    await house.llm_worker("chat", Llm("灯开了。").app)
    server = await house.conversation()
    assert await answer(server.uri, "hi", "zh-CN") == "灯开了。"


async def test_reasoning_is_not_in_the_answer(house: House) -> None:
    await house.llm_worker("chat", Llm("<thi", "nk>They want ", "light.</th", "ink>\n\n", "Done", ".").app)
    server = await house.conversation()
    for language in ("en", "zh-TW"):
        events = await converse(server.uri, "hi", language, conversation=language)
        assert events[-1].data["text"] == "Done."
        assert "".join(e.data["text"] for e in events if e.type == "handled-chunk") == "Done."


async def test_only_reasoning_is_no_answer(house: House) -> None:
    await house.llm_worker("chat", Llm("<think>Hm.</think>").app)
    server = await house.conversation()
    assert await apology(server.uri) == "I have no answer to that. Please ask in other words."
    assert (await house.reports.one()).error_code == "no-answer"


async def test_nothing_heard_is_said_so_without_asking_the_model(house: House) -> None:
    llm = Llm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    assert await apology(server.uri, "  ") == "I did not hear anything. Please say it again."
    assert llm.asked == []


# -- friendly failures ---------------------------------------------------------------------------------------------

FAILED = {"en": "I lost my train of thought. Please ask again.", "zh-TW": "我剛剛斷了思緒，請再問一次。"}


@pytest.mark.parametrize("language", ["en", "zh-TW"])
@pytest.mark.parametrize("fault", ["error", "garbage", "drop"])
async def test_a_model_that_fails_is_apologised_for(house: House, fault: str, language: str) -> None:
    await house.llm_worker("chat", fault=fault)
    server = await house.conversation()
    assert await apology(server.uri, language=language) == FAILED[language]
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("worker-failed", False)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "My language model is still starting. Please ask again in a moment."),
        ("zh-TW", "我的語言模型還在啟動，請稍後再問一次。"),
        ("zh", "我的語言模型還在啟動，請稍後再問一次。"),
        ("fr", "My language model is still starting. Please ask again in a moment."),
    ],
)
async def test_a_model_that_is_down_is_apologised_for(house: House, language: str, sentence: str) -> None:
    server = await house.conversation()
    assert await apology(server.uri, language=language) == sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "That took me too long. Please try a shorter question."),
        ("zh-TW", "這個問題花太久了，請換個簡短的說法。"),
    ],
)
async def test_a_model_that_hangs_is_apologised_for_at_the_deadline(house: House, language: str, sentence: str) -> None:
    await house.llm_worker("chat", fault="hang")
    server = await house.conversation(request_timeout_s=0.2)
    assert await apology(server.uri, language=language) == sentence
    report = await house.reports.one()
    assert (report.error_code, report.cancelled) == ("deadline-exceeded", False)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "I am busy with other people right now. Please ask again in a moment."),
        ("zh-TW", "我現在正忙著回答別人，請稍後再問。"),
    ],
)
async def test_a_full_server_is_apologised_for(house: House, language: str, sentence: str) -> None:
    llm = Llm("one ", "two")
    llm.go.clear()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(max_turns=1)
    async with connect(server.uri) as client:
        await client.send(Transcript("hi"))
        await client.receive_until("handled-chunk")
        assert await apology(server.uri, language=language) == sentence
        llm.go.set()
        await client.receive_until("handled")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "That was too long for me. Please say it in fewer words."),
        ("zh-TW", "這句話太長了，請說得短一點。"),
    ],
)
async def test_too_long_a_question_is_apologised_for(house: House, language: str, sentence: str) -> None:
    server = await house.conversation(max_text_chars=100)
    assert await apology(server.uri, "word " * 30, language) == sentence
    assert (await house.reports.one()).error_code == "text-too-long"


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (429, "slow down", "I am busy right now. Please ask again in a moment."),
        (401, "bad key", "I lost my train of thought. Please ask again."),
        (400, "context length exceeded", "That was too much for me at once. Please start a new conversation."),
        (400, "bad parameter", "I lost my train of thought. Please ask again."),
    ],
)
async def test_the_endpoints_refusals_are_told_apart(house: House, status: int, error: str, sentence: str) -> None:
    await house.llm_worker("chat", Llm(status=status, error=error).app)
    server = await house.conversation()
    assert await apology(server.uri) == sentence


async def test_a_defect_of_ours_is_apologised_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await house.conversation()
    monkeypatch.setattr("wyoming_servers.conversation.handler.Thought", None)
    assert await apology(server.uri) == "Something went wrong on my side. The details are in my log."
    assert (await house.reports.one()).error_code == "internal"


async def test_a_connection_goes_on_after_an_apology(house: House) -> None:
    await house.llm_worker("chat", answer=ECHO, fault="error")
    server = await house.conversation()
    async with connect(server.uri) as client:
        for _ in range(3):
            await client.send(Transcript("hi"))
            assert (await client.receive()).type == "not-handled"


@pytest.mark.parametrize("data", [{}, {"text": 5}, {"text": "a", "language": []}, {"text": "a", "context": "none"}])
async def test_malformed_questions_are_plain_errors(house: House, data: dict[str, Any]) -> None:
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Event("transcript", data))
        assert await client.error_code() == "bad-request"


# -- the ladder ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
async def test_a_model_that_is_down_is_replaced_by_the_next(house: House) -> None:
    await house.llm_worker("small", answer="from the small one")
    server = await house.conversation(["large", "small"])
    assert await answer(server.uri, "hi") == "from the small one"
    report = await house.reports.one()
    assert (report.worker, report.degraded) == ("small", "small instead of large: worker-unavailable")


@pytest.mark.usefixtures("impatient")
async def test_a_model_that_went_away_after_it_had_answered_is_replaced_too(house: House) -> None:
    large = await house.llm_worker("large", answer="from the large one")
    await house.llm_worker("small", answer="from the small one")
    server = await house.conversation(["large", "small"])
    assert await answer(server.uri, "hi") == "from the large one"
    await large.stop()
    assert await answer(server.uri, "hi") == "from the small one"
    await house.llm_worker("large", answer="back again")
    assert await answer(server.uri, "hi") == "back again"


@pytest.mark.parametrize("fault", ["error", "garbage"])
async def test_a_model_that_fails_before_its_first_word_is_replaced(house: House, fault: str) -> None:
    await house.llm_worker("large", fault=fault)
    await house.llm_worker("small", answer="from the small one")
    server = await house.conversation(["large", "small"])
    assert await answer(server.uri, "hi") == "from the small one"
    assert (await house.reports.one()).degraded == "small instead of large: worker-failed"


async def test_a_model_killed_while_it_thinks_is_asked_again_when_it_is_back(house: House) -> None:
    first_life = await house.llm_worker("chat", fault="hang")
    server = await house.conversation()
    async with connect(server.uri) as client:
        await client.send(Transcript("hi"))
        await until(lambda: _is_asked(first_life))
        await first_life.stop()
        await house.llm_worker("chat", answer="second life")
        assert (await client.receive_until("handled", "not-handled"))[-1].data["text"] == "second life"
    assert (await house.reports.one()).degraded is None


def _is_asked(llm: Any) -> bool:
    """Whether a request to the chat endpoint is under way."""
    connections = llm.server.server_state.connections
    return any(c.cycle and not c.cycle.response_complete and "completions" in c.scope["path"] for c in connections)


async def test_a_model_that_breaks_in_mid_answer_is_not_replaced(house: House) -> None:
    """Its words are out: another model's would not go with them."""
    await house.llm_worker("large", fault="drop")
    await house.llm_worker("small", answer="from the small one")
    server = await house.conversation(["large", "small"])
    assert await apology(server.uri) == FAILED["en"]


async def test_a_conversation_too_long_for_the_model_forgets_its_older_half(house: House) -> None:
    llm = Llm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    for number in range(4):
        await answer(server.uri, f"q{number}")
    llm.most_messages = 6  # system, two turns, question
    assert await answer(server.uri, "q4") == "ok"
    questions = [m["content"] for m in llm.asked[-1] if m["role"] == "user"]
    assert questions == ["q2", "q3", "q4"]
    assert house.reports.ended[-1].detail["forgotten"] is True
    # And it stays forgotten: the next question fits after forgetting less.
    llm.most_messages = 8
    refused = len(llm.asked)
    await answer(server.uri, "q5")
    assert len(llm.asked) == refused + 1
    assert "forgotten" not in house.reports.ended[-1].detail


async def test_an_endless_answer_is_broken_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.backends.chat_model.MAX_ANSWER_CHARS", 100)
    await house.llm_worker("chat", Llm(*["blah "] * 50).app)
    server = await house.conversation()
    assert await apology(server.uri) == FAILED["en"]


async def test_half_a_surrogate_pair_does_not_break_the_answer(house: House) -> None:
    await house.llm_worker("chat", Llm("fine \ud83d", "\ude00 thanks").app)
    server = await house.conversation()
    assert (await answer(server.uri, "hi")).startswith("fine")


# -- the offer, parallel turns -------------------------------------------------------------------------------------


async def test_the_offer_is_there_before_any_model(house: House) -> None:
    server = await house.conversation()
    (program,) = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1]).handle
    assert program.installed
    assert program.supports_handled_streaming
    assert not program.supports_home_control
    assert program.models[0].languages == ["en", "zh-TW", "zh"]


async def test_turns_run_side_by_side(house: House) -> None:
    llm = Llm("one ", "two")
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
    llm = Llm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    await server.server.handler._agent.warm_up(["en", "zh-TW"])  # type: ignore[attr-defined]
    assert [messages[0]["content"][:3] for messages in llm.asked] == ["You", "你是T"]
