"""Whatever fails, a friendly sentence in the asker's language says so."""

from __future__ import annotations

from typing import Any

import pytest
from wire_harness.clients import connect
from wire_harness.conversing import ECHO, ScriptedLlm, apology
from wire_harness.house import House
from wyoming.asr import Transcript
from wyoming.event import Event

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
    llm = ScriptedLlm("one ", "two")
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
    await house.llm_worker("chat", ScriptedLlm(status=status, error=error).app)
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
