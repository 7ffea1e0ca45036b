"""`POST /api/speech/say`: the text-to-speech server says something for the panel."""

from __future__ import annotations

import io
import wave
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.client import WavAudio
from avatar_appliance.errors import VoiceUnknown

Say = Callable[[str, str | None, str | None], Awaitable[WavAudio]]


def says(app: FastAPI, say: Say) -> None:
    deps: AdminDependencies = app.state.dependencies
    app.state.dependencies = replace(deps, say=say)


async def test_what_is_said_comes_back_as_a_sound(app: FastAPI, client: httpx.AsyncClient) -> None:
    asked: list[tuple[str, str | None, str | None]] = []

    async def say(*wanted: str | None) -> WavAudio:
        asked.append(wanted)  # type: ignore[arg-type]
        return WavAudio(rate_hz=24_000, width_bytes=2, channels=1, pcm=b"\1\2" * 100)

    says(app, say)  # type: ignore[arg-type]
    answer = await client.post("/api/speech/say", json={"text": " 晚安 ", "voice": "anna"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.readframes(200)) == (24_000, 1, b"\1\2" * 100)
    assert asked == [("晚安", "anna", None)]


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "  "}, {"text": "x" * 301}, {"text": "x", "voice": ""}, {"text": "x", "more": 1}],
)
async def test_what_cannot_be_said_is_refused_before_anybody_is_asked(
    client: httpx.AsyncClient, body: dict[str, str]
) -> None:
    answer = await client.post("/api/speech/say", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


async def test_a_voice_that_is_gone_is_named(app: FastAPI, client: httpx.AsyncClient) -> None:
    async def say(text: str, voice: str | None, language: str | None) -> WavAudio:
        raise VoiceUnknown("the list has no such voice (any more)")

    says(app, say)
    answer = await client.post("/api/speech/say", json={"text": "private words", "voice": "anna"})
    assert (answer.status_code, answer.json()["code"]) == (404, "voice-unknown")
    assert "private" not in answer.text


async def test_without_a_text_to_speech_server_the_answer_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/speech/say", json={"text": "x"})
    assert answer.status_code == 503
