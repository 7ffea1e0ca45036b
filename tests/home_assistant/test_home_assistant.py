"""A real Home Assistant finds the three services, builds an Assist pipeline and holds a spoken conversation."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urljoin

import av
import numpy as np
import pytest
import pytest_asyncio
import soxr

from avatar_appliance.client import WavAudio, synthesize, transcribe
from tests.system.appliance import until
from tests.system.words import error_rate

from .conftest import House

pytestmark = [pytest.mark.home_assistant, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "What is the capital of Australia?"


async def spoken(house: House, text: str, language: str) -> WavAudio:
    """Return `text` spoken by our own voice, in the microphone's format."""
    speech = (await synthesize(house.appliance.endpoint("tts"), text, language=language)).audio
    samples = np.frombuffer(speech.pcm, dtype="<i2")
    return WavAudio(16_000, 2, 1, soxr.resample(samples, speech.rate_hz, 16_000).astype("<i2").tobytes())


async def fetched(house: House, url: str) -> WavAudio:
    """Return the answer's audio as Home Assistant serves it (MP3), decoded."""
    body = (await house.home_assistant.http.get(urljoin(house.home_assistant.url + "/", url))).content
    with av.open(io.BytesIO(body)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        pcm = b"".join(
            bytes(out.planes[0])[: out.samples * 2]
            for frame in container.decode(audio=0)
            for out in resampler.resample(frame)
        )
    return WavAudio(16_000, 2, 1, pcm)


async def pipeline(house: House, language: str, voice: str) -> str:
    """Make an Assist pipeline of our three services and return its id."""
    made = await house.home_assistant.command(
        "assist_pipeline/pipeline/create",
        name=f"AVATAR test {language}",
        language=language,
        conversation_engine=house.entities["conversation"],
        conversation_language=language,
        stt_engine=house.entities["stt"],
        stt_language=language,
        tts_engine=house.entities["tts"],
        tts_language=language if language != "en" else "en-US",
        tts_voice=voice,
        wake_word_entity=None,
        wake_word_id=None,
    )
    return str(made["id"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def english(house: House) -> AsyncIterator[str]:
    identity = await pipeline(house, "en", "en_US-joe-medium")
    yield identity
    await house.home_assistant.command("assist_pipeline/pipeline/delete", pipeline_id=identity)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chinese(house: House) -> AsyncIterator[str]:
    identity = await pipeline(house, "zh-TW", "espeak-zh-TW")
    yield identity
    await house.home_assistant.command("assist_pipeline/pipeline/delete", pipeline_id=identity)


async def test_the_voices_can_be_chosen(house: House) -> None:
    listed = await house.home_assistant.command("tts/engine/voices", engine_id=house.entities["tts"], language="en-US")
    assert "en_US-joe-medium" in {voice["voice_id"] for voice in listed["voices"]}


async def test_a_question_is_heard_answered_and_spoken(house: House, english: str) -> None:
    question = await spoken(house, QUESTION, "en")
    run = await house.home_assistant.run_pipeline(english, question)
    assert error_rate(QUESTION, run.data("stt-end")["stt_output"]["text"]) <= 0.2
    answer = run.data("intent-end")["intent_output"]["response"]["speech"]["plain"]["speech"]
    assert "canberra" in answer.lower()
    audio = await fetched(house, run.data("tts-end")["tts_output"]["url"])
    heard = await transcribe(house.appliance.endpoint("asr"), audio, language="en")
    assert error_rate(answer, heard.text) <= 0.2


async def test_our_own_end_of_speech_comes_before_the_silence_is_over(house: House, english: str) -> None:
    """Home Assistant takes the transcript while the microphone still streams six seconds of silence."""
    question = await spoken(house, QUESTION, "en")
    run = await house.home_assistant.run_pipeline(english, question, silence_s=6.0)
    assert run.at("stt-end") < question.duration_s + 5.0


async def test_a_second_turn_remembers_the_first(house: House, english: str) -> None:
    first = await house.home_assistant.run_pipeline(english, await spoken(house, "My name is Oscar.", "en"))
    conversation = first.data("intent-end")["intent_output"]["conversation_id"]
    second = await house.home_assistant.run_pipeline(
        english, await spoken(house, "What is my name?", "en"), conversation_id=conversation
    )
    assert "oscar" in second.data("intent-end")["intent_output"]["response"]["speech"]["plain"]["speech"].lower()


async def test_silence_is_no_text_recognized(house: House, english: str) -> None:
    run = await house.home_assistant.run_pipeline(english, WavAudio(16_000, 2, 1, bytes(32_000)), silence_s=12.0)
    assert run.data("error")["code"] == "stt-no-text-recognized"


async def test_chinese_is_heard_and_answered_in_traditional_characters(house: House, chinese: str) -> None:
    run = await house.home_assistant.run_pipeline(chinese, await spoken(house, "明天早上七點叫我起床", "zh-TW"))
    text = run.data("stt-end")["stt_output"]["text"]
    assert error_rate("明天早上七點叫我起床", text, "zh-TW") <= 0.3
    assert "点" not in text
    assert run.data("tts-end")["tts_output"]["url"]


async def test_the_history_has_the_run_as_one_turn(house: House, english: str) -> None:
    """Three connections that Home Assistant does not link become one turn with both recordings."""
    run = await house.home_assistant.run_pipeline(english, await spoken(house, "Where do penguins live?", "en"))
    await fetched(house, run.data("tts-end")["tts_output"]["url"])
    conversation = run.data("intent-end")["intent_output"]["conversation_id"]

    def joined() -> dict[str, Any] | None:
        turns = house.appliance.get(f"/api/turns?conversation={conversation}")["items"]
        ready = len(turns) == 1 and turns[0]["audio_in"] and turns[0]["audio_out"]
        return dict(turns[0]) if ready else None

    turn = await asyncio.to_thread(until, "one turn with both recordings", joined, 30)
    with wave.open(io.BytesIO(house.appliance.get(f"/api/turns/{turn['id']}/audio/out"))) as file:
        assert file.getnframes() > 0
    assert turn["transcript"] == run.data("stt-end")["stt_output"]["text"]
