"""A recording becomes a studio voice, by CosyVoice 3 through its true classes (small, random weights)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.client import describe, synthesize

from .appliance import Appliance, until
from .engine_appliance import ROOT, engine_appliance
from .test_voice_profiles import ask, settled

ENGINE = Path(os.environ.get("AVATAR_COSYVOICE_VENV", ROOT / ".venv-cosyvoice"))
PYTHON = ENGINE / "bin" / "python"
CONSENT = {"given_by": "Anna", "purpose": "a test"}
NAME = "anna-studio"
TEXT = "Good morning."
TEXT_S = 2.4
"""The model with random weights says 0.8 s for each word and mark."""
WITHIN_S = 120.0
"""For a machine that does other things: CosyVoice on a CPU."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.engine_cosyvoice,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PYTHON.exists(), reason="CosyVoice is not installed: `make test-cosyvoice`"),
]


def write_model(folder: Path) -> None:
    """Write a small model of the real layout, by the engine's own classes."""
    (paths_file,) = ENGINE.glob("lib/python3*/site-packages/cosyvoice.pth")
    source = paths_file.read_text("utf-8").splitlines()[0]
    command = [PYTHON, "-m", "benchmarks.random_cosyvoice", source, str(folder), "--version", "3", "--small"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    write_model(tmp_path / "model")
    studio = {"engine": "cosyvoice", "model": str(tmp_path / "model"), "device": "cpu", "preload": True}
    with engine_appliance(tmp_path, ENGINE, "studio", studio, start_s=600, voices={"patience_s": 0}) as running:
        yield running


async def studio_voices(appliance: Appliance) -> dict[str, Any]:
    info = await describe(appliance.endpoint("tts"))
    return {voice.name: voice for program in info.tts for voice in program.voices if voice.name.startswith("anna")}


async def stands_in_the_list(appliance: Appliance, wanted: bool) -> None:
    async with asyncio.timeout(WITHIN_S):
        while (NAME in await studio_voices(appliance)) is not wanted:
            await asyncio.sleep(0.1)  # as Home Assistant does: nobody tells a client of a new voice


async def test_a_recording_speaks_in_the_studio_tier_and_leaves_nothing_when_it_is_deleted(
    appliance: Appliance, speech_dir: Path
) -> None:
    profile = {
        "name": "Anna", "languages": ["en"], "consent": CONSENT, "tier": "high-quality",
        "transcript": "ask not what your country can do for you, ask what you can do for your country",
    }  # fmt: skip
    recording = (speech_dir / "en_jfk.wav").read_bytes()
    made = ask(appliance, "POST", data={"profile": json.dumps(profile)}, files={"recording": ("r", recording)})
    assert made.status_code == 201, made.text
    await stands_in_the_list(appliance, True)
    entries = await studio_voices(appliance)
    assert [(entry.name, entry.description, entry.languages) for entry in entries.values()] == [
        (NAME, "Anna (studio)", ["en"])
    ]

    # The worker speaks a first sentence for the profile's own check before it is free for anybody.
    tried = await asyncio.to_thread(settled, appliance, "anna", "ready")
    assert tried["trial"]["worker"] == "studio"

    spoken = await synthesize(appliance.endpoint("tts"), TEXT, voice=NAME)
    assert spoken.audio.duration_s == pytest.approx(TEXT_S, abs=0.5)

    def stage() -> dict[str, Any] | None:
        stages = [
            stage
            for item in appliance.get("/api/turns")["items"]
            for stage in appliance.get(f"/api/turns/{item['id']}")["stages"]
            if stage["voice"] == NAME
        ]
        return stages[0] if stages else None

    found = await asyncio.to_thread(until, "the turn is in the history", stage, 30)
    assert (found["worker"], found["degraded"], found["error_code"]) == ("studio", None, None)

    assert ask(appliance, "DELETE", "/anna").status_code == 204
    await stands_in_the_list(appliance, False)
    assert [path.name for path in (appliance.folder / "state" / "voices").iterdir()] == ["index.json"]
