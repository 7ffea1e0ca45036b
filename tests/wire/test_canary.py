"""The canary against real servers on scripted workers: what it accepts, and what it must not."""

from __future__ import annotations

from typing import Any

import pytest
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wire_harness.waiting import until

from avatar_appliance.canary import CanaryFailed, phrase_for, spoken_turn
from avatar_appliance.client import UnixEndpoint
from avatar_appliance.errors import AvatarError, WorkerUnavailable

PHRASE = phrase_for(["en"])


async def endpoints(house: House, heard: str, **llm: Any) -> dict[str, UnixEndpoint]:
    """A house that hears `heard` whatever is said, and has a language model if `llm` is set up."""
    await house.asr_worker("whisper", WatchedAsr(fake("asr", transcript=heard)))
    await house.tts_worker("piper")
    await house.llm_worker("chat", **llm)
    servers = {
        "asr": await house.asr(settings={"gate": False, "endpointing": "client"}),
        "tts": await house.tts(),
        "conversation": await house.conversation(),
    }
    return {role: UnixEndpoint(server.path) for role, server in servers.items()}


async def test_a_canary_sings_where_what_is_said_is_heard_and_answered(house: House) -> None:
    turn = await spoken_turn(PHRASE, **await endpoints(house, "what is the capital of france"))
    assert turn.error_rate == 0
    assert turn.answer_s is not None
    await until(lambda: len(house.reports.ended) == 4)
    assert [report.kind for report in house.reports.ended] == ["speak", "transcribe", "think", "speak"]


async def test_one_word_heard_wrong_is_forgiven(house: House) -> None:
    turn = await spoken_turn(PHRASE, **await endpoints(house, "What is the capital of friends?"))
    assert 0 < turn.error_rate < 0.2


@pytest.mark.parametrize("heard", ["Thank you for watching.", ""])
async def test_another_sentence_is_not(house: House, heard: str) -> None:
    with pytest.raises(CanaryFailed, match="of 6 words"):
        await spoken_turn(PHRASE, **await endpoints(house, heard))


async def test_what_was_heard_is_in_no_exception(house: House) -> None:
    with pytest.raises(CanaryFailed) as raised:
        await spoken_turn(PHRASE, **await endpoints(house, "my secret"))
    assert "secret" not in str(raised.value)


async def test_an_apology_is_no_answer(house: House) -> None:
    there = await endpoints(house, PHRASE.text, fault="error")
    with pytest.raises(WorkerUnavailable):
        await spoken_turn(PHRASE, **there)


async def test_without_a_language_model_the_voice_alone_can_be_tried(house: House) -> None:
    there = await endpoints(house, PHRASE.text, fault="error") | {"conversation": None}
    assert (await spoken_turn(PHRASE, **there)).answer_s is None


async def test_a_server_that_is_away_is_told_from_one_that_is_wrong(house: House) -> None:
    there = await endpoints(house, PHRASE.text) | {"tts": UnixEndpoint(house.runtime_dir / "nobody")}
    with pytest.raises(WorkerUnavailable) as raised:
        await spoken_turn(PHRASE, **there)
    assert raised.value.retryable


async def test_a_worker_that_breaks_fails_the_canary(house: House) -> None:
    await house.asr_worker("whisper", WatchedAsr(fake("asr", fault="error")))
    await house.tts_worker("piper")
    asr, tts = await house.asr(settings={"gate": False}), await house.tts()
    with pytest.raises(AvatarError):
        await spoken_turn(PHRASE, tts=UnixEndpoint(tts.path), asr=UnixEndpoint(asr.path))


@pytest.mark.parametrize(
    ("languages", "language"), [(["en", "zh-TW"], "en"), (["zh-TW", "en"], "en"), (["zh-TW"], "zh-TW"), (["de"], "en")]
)
def test_the_phrase_is_in_a_language_of_the_house(languages: list[str], language: str) -> None:
    assert phrase_for(languages).language == language


async def test_chinese_is_counted_by_characters(house: House) -> None:
    there = await endpoints(house, "明天早上八点会下雨吗")  # Simplified, and one of ten wrong
    turn = await spoken_turn(phrase_for(["zh-TW"]), **there)
    assert turn.error_rate == pytest.approx(0.1)
