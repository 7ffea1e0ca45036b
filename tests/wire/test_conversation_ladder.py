"""A model that fails before its first word is replaced; a conversation too long is shortened."""

from __future__ import annotations

from typing import Any

import pytest
from wire_harness.clients import connect
from wire_harness.conversing import ScriptedLlm, answer, apology
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.asr import Transcript

FAILED = {"en": "I lost my train of thought. Please ask again.", "zh-TW": "我剛剛斷了思緒，請再問一次。"}


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
    llm = ScriptedLlm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation(settings={"summarise": False})
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
    await house.llm_worker("chat", ScriptedLlm(*["blah "] * 50).app)
    server = await house.conversation()
    assert await apology(server.uri) == FAILED["en"]


async def test_half_a_surrogate_pair_does_not_break_the_answer(house: House) -> None:
    await house.llm_worker("chat", ScriptedLlm("fine \ud83d", "\ude00 thanks").app)
    server = await house.conversation()
    assert (await answer(server.uri, "hi")).startswith("fine")
