"""A question answered in the asker's own voice, by F5-TTS through its true classes (small, random weights: noise)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.client import converse, describe, read_wav, synthesize, transcribe
from avatar_appliance.voices.voice_index import VoiceIndex

from .appliance import Appliance, until
from .engine_appliance import ENGINES, F5, engine_appliance, needs_f5

pytestmark = [pytest.mark.system, pytest.mark.engine_f5, needs_f5]


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    chat = {"chat": {"engine": "fake", "fake_role": "llm"}}
    with engine_appliance(tmp_path, ENGINES, "f5", F5, workers=chat, own_voice={"enabled": True}) as running:
        yield running


async def answered(appliance: Appliance, recording: Path) -> dict[str, Any]:
    """Ask with a recording, have the answer spoken by the asker, and return what the history says of that."""
    before = {stage["id"] for stage in spoken(appliance)}
    heard = await transcribe(appliance.endpoint("asr"), read_wav(recording), language="en")
    answer = await converse(appliance.endpoint("conversation"), heard.text, language="en")
    assert answer.handled
    sound = await synthesize(appliance.endpoint("tts"), answer.text, voice="asker")
    assert sound.audio.duration_s > 0.5

    def reported() -> dict[str, Any] | None:
        return next((stage for stage in spoken(appliance) if stage["id"] not in before), None)

    return await asyncio.to_thread(until, "the turn is in the history", reported, 20)


def spoken(appliance: Appliance) -> list[dict[str, Any]]:
    return [
        stage
        for item in appliance.get("/api/turns")["items"]
        for stage in appliance.get(f"/api/turns/{item['id']}")["stages"]
        if stage["kind"] == "speak" and stage["ended_at"]
    ]


async def test_a_question_is_answered_in_the_voice_it_was_asked_in_and_nothing_of_it_is_left(
    appliance: Appliance, speech_dir: Path
) -> None:
    info = await describe(appliance.endpoint("tts"))
    assert "asker" in {voice.name for program in info.tts for voice in program.voices}
    folder = appliance.folder / "run" / "own-voice"

    stage = await answered(appliance, speech_dir / "en_jfk.wav")
    assert (stage["worker"], stage["voice"], stage["degraded"], stage["error_code"]) == ("f5", "asker", None, None)
    [voice] = VoiceIndex(folder / "index.json").voices
    assert voice.reference.exists()
    assert "country" in voice.transcript

    stage = await answered(appliance, speech_dir / "en_librivox_0880.wav")
    assert stage["worker"] == "piper"
    assert stage["degraded"].endswith("instead of asker: too little speech")

    stored = [path.name for path in (appliance.folder / "state").rglob("*")]
    assert not [name for name in stored if name.startswith("asker")]
    assert appliance.stop() == 0
    assert not folder.exists()
