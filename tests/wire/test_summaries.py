"""Turns that no longer fit are condensed in the background; the summary stands in their place."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wire_harness.conversing import ScriptedLlm, answer, memory_of
from wire_harness.coordinator import Coordinator
from wire_harness.house import House
from wire_harness.servers import Served
from wire_harness.waiting import until

from avatar_appliance.config.workers import LlamaCppWorker, WorkerSettings
from avatar_appliance.leases import Urgency

ASKS = ("Write notes of the conversation below", "請為下面的對話寫下")
NOTES = "\n\nFacts, with all names, numbers and times:"
SMALL: dict[str, WorkerSettings] = {"chat": LlamaCppWorker(engine="llama-cpp", context_tokens=1024)}


class CondensingLlm(ScriptedLlm):
    """Answers "An answer.", and a request for a summary with what `condensed` says, as soon as `condense` is set."""

    def __init__(self, *condensed: str) -> None:
        super().__init__("An answer.")
        self.condensed = condensed or ("They spoke about tea.",)
        self.condense = asyncio.Event()
        self.condense.set()

    def requests(self, *, condensing: bool) -> list[list[dict[str, str]]]:
        asked = [m for m in self.asked if not any(m is read for read in self.read)]
        return [m for m in asked if m[0]["content"].startswith(ASKS) is condensing]

    async def _stream(self) -> Any:
        if not self.asked[-1][0]["content"].startswith(ASKS):
            async for event in super()._stream():
                yield event
            return
        try:
            for piece in self.condensed:
                await self.condense.wait()
                yield f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n"
            yield 'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
        finally:
            self.gone += 1


async def requested(llm: CondensingLlm, count: int) -> None:
    await until(lambda: len(llm.requests(condensing=True)) >= count)


def summary_of(server: Served) -> str | None:
    found: str | None = memory_of(server).summary("c1")
    return found


async def test_what_no_longer_fits_is_condensed_and_stands_in_its_place(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 2})
    for number in range(3):
        await answer(server.uri, f"question {number}")
    await until(lambda: summary_of(server))
    ((rules, told),) = llm.requests(condensing=True)
    assert rules["role"] == "system"
    assert told["content"] == f"Person: question 0\nAssistant: An answer.{NOTES}"
    await answer(server.uri, "question 3")
    said = [(m["role"], m["content"]) for m in llm.requests(condensing=False)[-1][1:]]
    assert said[:2] == [
        ("user", '(Earlier in this conversation, in short, as data: "They spoke about tea.")'),
        ("assistant", "I see."),
    ]
    assert [content for role, content in said[2:] if role == "user"] == ["question 1", "question 2", "question 3"]


async def test_the_prompt_with_a_new_summary_is_read_before_anybody_waits_for_it(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 2})
    for number in range(3):
        await answer(server.uri, f"question {number}")
    await until(lambda: llm.read)
    await answer(server.uri, "question 3")
    (read,) = llm.read
    assert "They spoke about tea." in str(read)
    assert llm.requests(condensing=False)[-1][: len(read) - 1] == read[:-1]


async def test_a_summary_is_condensed_again_with_the_turns_after_it(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 2})
    for number in range(3):
        await answer(server.uri, f"question {number}")
    await until(lambda: summary_of(server))
    llm.condensed = ("Tea, and <|im_start|>more.", " " + "x" * 5000)
    await answer(server.uri, "question 3")
    await until(lambda: (summary_of(server) or "").startswith("Tea, and"))
    told = llm.requests(condensing=True)[-1][1]["content"]
    assert told.startswith("Earlier in this conversation, in short, as data: They spoke about tea.")
    assert "Person: question 1" in told
    await answer(server.uri, "question 4")
    shown = llm.requests(condensing=False)[-1][1]["content"]
    assert "<|" not in shown
    assert len(shown) < 1400


async def test_a_turn_goes_before_a_summary_which_is_tried_again_after_it(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 1})
    llm.condense.clear()
    for number in range(2):
        await answer(server.uri, f"question {number}")
    await until(lambda: len(llm.requests(condensing=True)) == 1)
    gone = llm.gone
    # Without a summary in time, what is older is simply not there.
    await answer(server.uri, "question 2")
    said = [m["content"] for m in llm.requests(condensing=False)[-1] if m["role"] == "user"]
    assert said == ["question 1", "question 2"]
    await until(lambda: llm.gone == gone + 2)  # the summary that was broken off, and the answer
    assert summary_of(server) is None
    llm.condense.set()
    await until(lambda: summary_of(server))
    assert "question 1" in llm.requests(condensing=True)[-1][1]["content"]


async def test_a_window_that_is_full_has_its_oldest_turns_condensed(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(worker_settings=SMALL, settings={"history_turns": 50})
    for number in range(8):
        await answer(server.uri, f"question {number} " + "word " * 80)
        if summary_of(server):
            break
    await until(lambda: summary_of(server))
    assert "question 0" in llm.requests(condensing=True)[0][1]["content"]
    await answer(server.uri, "and now")
    last = llm.requests(condensing=False)[-1]
    assert "They spoke about tea." in last[1]["content"]
    assert len(str(last)) < 4 * 1024
    detail = house.reports.ended[-1].detail
    assert "dropped_messages" not in detail


async def test_a_summary_is_made_at_the_lowest_urgency_with_the_worker_that_answered(house: House) -> None:
    coordinator: Coordinator = await house.coordinator("chat")
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(["large", "chat"], settings={"history_turns": 1})
    for number in range(2):
        await answer(server.uri, f"question {number}")
    await until(lambda: summary_of(server))
    book = coordinator.book
    assert book.requests[-1].urgency is Urgency.BACKGROUND
    assert book.requests[-1].ladder == ("chat",)
    await until(lambda: not book.held)


async def test_a_model_that_fails_to_condense_costs_nothing_but_the_summary(house: House) -> None:
    llm = CondensingLlm("<think>I would rather not.</think>")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 1})
    for number in range(4):
        assert await answer(server.uri, f"question {number}") == "An answer."
        await requested(llm, number)
    assert summary_of(server) is None


async def test_a_model_that_repeats_itself_is_taken_once(house: House) -> None:
    llm = CondensingLlm("Likes tea, at 3.5 degrees. Is it so?\n", "- Biscuit.\n好。" * 40, "- Half a sent")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 1})
    for number in range(2):
        await answer(server.uri, f"question {number}")
    await until(lambda: summary_of(server))
    assert summary_of(server) == "Likes tea, at 3.5 degrees. Is it so?\n- Biscuit.\n好。- Half a sent"


async def test_no_summaries_where_the_owner_wants_none(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 1, "summarise": False})
    for number in range(4):
        await answer(server.uri, f"question {number}")
    assert llm.requests(condensing=True) == []


async def test_what_is_condensed_at_a_time_can_be_more_than_one_turn(house: House) -> None:
    """The prompt begins anew each time: seldom is better."""
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 4}, extra_aside=2)
    for number in range(7):
        await answer(server.uri, f"question {number}")
        if number > 3:
            await until(lambda: summary_of(server))
    assert len(llm.requests(condensing=True)) == 1
    told = llm.requests(condensing=True)[0][1]["content"]
    assert [f"question {number}" in told for number in range(4)] == [True, True, True, False]


async def test_a_chinese_conversation_is_condensed_in_chinese(house: House) -> None:
    llm = CondensingLlm("他们聊了茶。")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"history_turns": 1})
    for number in range(2):
        await answer(server.uri, f"第{number}個問題", "zh-TW")
    await until(lambda: summary_of(server))
    assert llm.requests(condensing=True)[0][1]["content"] == (
        "對方：第0個問題\n助理：An answer.\n\n重點（包含所有名稱、數字和時間）："
    )
    assert summary_of(server) == "他們聊了茶。"


async def test_the_owner_may_write_how_it_is_condensed(house: House) -> None:
    llm = CondensingLlm()
    await house.llm_worker("chat", llm.app)
    own = f"{ASKS[0]}, as a poem."
    server = await house.conversation(settings={"history_turns": 1, "prompts": {"en": {"condensing": own}}})
    for number in range(2):
        await answer(server.uri, f"question {number}")
    await until(lambda: summary_of(server))
    assert llm.requests(condensing=True)[0][0]["content"] == own
