"""A recording becomes a profile on the real models, and a voice stands in the list without a restart."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from avatar_appliance.client import describe
from avatar_appliance.voices.voice_index import VoiceIndex, voice_index_path

from .appliance import EMBEDDED, TOKEN, Appliance, until
from .words import error_rate

pytestmark = pytest.mark.system

SPOKEN = "ask not what your country can do for you, ask what you can do for your country"
CONSENT = {"given_by": "John", "purpose": "a test"}


@pytest.fixture
def recording(speech_dir: Path) -> bytes:
    return (speech_dir / "en_jfk.wav").read_bytes()


@pytest.fixture
def cloning(tmp_path: Path) -> Iterator[Appliance]:
    """An appliance whose configuration has a cloning worker; its engine is not installed, so it never comes up."""
    worker = {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu", "preload": False}
    overrides = {
        "workers": {**EMBEDDED, "f5": worker},
        "tts": {"workers": ["piper", "espeak", "f5"]},
        "voices": {"patience_s": 0},
    }
    running = Appliance(tmp_path, overrides=overrides)
    try:
        running.start()
        yield running
        assert running.stop() == 0
    except BaseException:
        print(running.log.read_text("utf-8") if running.log.exists() else "no log")
        raise
    finally:
        running.kill()


def ask(appliance: Appliance, method: str, path: str = "", **request: Any) -> httpx.Response:
    url = f"http://127.0.0.1:{appliance.ports['admin']}/api/voices{path}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.request(method, url, headers=headers, timeout=60, trust_env=False, **request)


def create(appliance: Appliance, recording: bytes) -> dict[str, Any]:
    profile = {"name": "John", "languages": ["en"], "consent": CONSENT}
    made = ask(appliance, "POST", data={"profile": json.dumps(profile)}, files={"recording": ("r", recording)})
    assert made.status_code == 201, made.text
    voice: dict[str, Any] = made.json()
    return voice


def settled(appliance: Appliance, voice_id: str, *states: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        voice: dict[str, Any] = ask(appliance, "GET", f"/{voice_id}").json()
        return voice if voice["state"] in states else None

    return until(f"{voice_id} is {states}", look, 120)


async def test_a_recording_is_written_down_by_our_own_recogniser_and_kept_without_a_cloning_worker(
    appliance: Appliance, recording: bytes
) -> None:
    voice = settled(appliance, create(appliance, recording)["id"], "kept", "refused", "ready")
    assert (voice["state"], voice["reason"]["code"]) == ("kept", "no-cloning-worker")
    assert voice["transcript_source"] == "heard"
    assert error_rate(SPOKEN, voice["transcript"]) < 0.4, voice["transcript"]
    listed = ask(appliance, "GET").json()
    assert listed["reason"]["code"] == "no-cloning-worker"
    reference = ask(appliance, "GET", f"/{voice['id']}/reference.wav").content
    with wave.open(io.BytesIO(reference)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert np.frombuffer(file.readframes(file.getnframes()), "<i2").any()
    exported = ask(appliance, "GET", f"/{voice['id']}/export").content
    assert ask(appliance, "DELETE", f"/{voice['id']}").status_code == 204
    again = ask(appliance, "POST", "/import", files={"archive": ("a", exported)})
    assert again.status_code == 201
    assert again.json()["transcript"] == voice["transcript"]
    assert ask(appliance, "DELETE", f"/{again.json()['id']}").status_code == 204
    folder = appliance.folder / "state" / "voices"
    assert [path.name for path in folder.iterdir()] == ["index.json"]


async def test_a_profile_stands_in_the_list_and_leaves_it_without_a_restart(
    cloning: Appliance, recording: bytes
) -> None:
    async def names() -> set[str]:
        info = await describe(cloning.endpoint("tts"))
        return {voice.name for program in info.tts for voice in program.voices}

    voice = settled(cloning, create(cloning, recording)["id"], "ready", "kept", "refused")
    assert voice["state"] == "ready", voice
    # Its engine is not installed: nobody could try it, and that is said.
    assert [remark["code"] for remark in voice["remarks"]][-1] == "trial-not-made"
    index = VoiceIndex(voice_index_path(cloning.folder / "state"))
    assert [each.id for each in index.voices] == ["john"]
    assert "john" in await names()
    assert ask(cloning, "DELETE", "/john").status_code == 204
    assert index.voices == ()
    assert "john" not in await names()
