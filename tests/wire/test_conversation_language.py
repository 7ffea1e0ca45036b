"""The language of a question decides persona, script and what is left of an answer."""

from __future__ import annotations

import pytest
from wire_harness.conversing import ScriptedLlm, answer, apology, converse, memory_of
from wire_harness.house import House


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
    llm = ScriptedLlm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    await answer(server.uri, text, language)
    assert llm.asked[0][0]["role"] == "system"
    assert llm.asked[0][0]["content"].startswith(persona)


async def test_a_mandarin_answer_comes_in_traditional_characters_with_its_spaces(house: House) -> None:
    llm = ScriptedLlm("厨房的", "灯已经打", "开了。 The kitchen", " light. Is on. 请问", "还有别的吗")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    events = await converse(server.uri, "hi", "zh-TW")
    whole = events[-1].data["text"]
    assert whole.startswith("廚房的燈已經")
    assert whole.endswith("。 The kitchen light. Is on. 請問還有別的嗎")
    assert "".join(e.data["text"] for e in events if e.type == "handled-chunk") == whole


async def test_simplified_stays_where_it_is_asked_for(house: House) -> None:
    await house.llm_worker("chat", ScriptedLlm("灯开了。").app)
    server = await house.conversation()
    assert await answer(server.uri, "hi", "zh-CN") == "灯开了。"


async def test_reasoning_is_not_in_the_answer(house: House) -> None:
    await house.llm_worker("chat", ScriptedLlm("<thi", "nk>They want ", "light.</th", "ink>\n\n", "Done", ".").app)
    server = await house.conversation()
    for language in ("en", "zh-TW"):
        events = await converse(server.uri, "hi", language, conversation=language)
        assert events[-1].data["text"] == "Done."
        assert "".join(e.data["text"] for e in events if e.type == "handled-chunk") == "Done."


async def test_only_reasoning_is_no_answer(house: House) -> None:
    await house.llm_worker("chat", ScriptedLlm("<think>Hm.</think>").app)
    server = await house.conversation()
    assert await apology(server.uri) == "I have no answer to that. Please ask in other words."
    assert (await house.reports.one()).error_code == "no-answer"
    assert memory_of(server).recall("c1") == []


async def test_nothing_heard_is_said_so_without_asking_the_model(house: House) -> None:
    llm = ScriptedLlm("ok")
    await house.llm_worker("chat", llm.app)
    server = await house.conversation()
    assert await apology(server.uri, "  ") == "I did not hear anything. Please say it again."
    assert llm.asked == []
