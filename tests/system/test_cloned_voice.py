"""A voice from a recording to a spoken sentence, by F5-TTS through its true classes (small, random weights)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.client import describe, synthesize

from .appliance import Appliance, until
from .engine_appliance import ENGINES, F5, engine_appliance, needs_f5
from .test_voice_profiles import ask, create

WITHIN_S = 30.0
"""From the upload to the sentence, as the owner is promised."""

pytestmark = [pytest.mark.system, pytest.mark.engine_f5, needs_f5]


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    with engine_appliance(tmp_path, ENGINES, "f5", F5) as running:
        yield running


async def offered(appliance: Appliance) -> dict[str, Any]:
    info = await describe(appliance.endpoint("tts"))
    return {voice.name: voice for program in info.tts for voice in program.voices}


async def stands_in_the_list(appliance: Appliance, name: str, wanted: bool) -> None:
    async with asyncio.timeout(WITHIN_S):
        while (name in await offered(appliance)) is not wanted:
            await asyncio.sleep(0.1)  # as Home Assistant does: nobody tells a client of a new voice


async def test_a_recording_speaks_within_half_a_minute_and_leaves_nothing_when_it_is_deleted(
    appliance: Appliance, speech_dir: Path
) -> None:
    began = time.monotonic()
    voice = create(appliance, (speech_dir / "en_jfk.wav").read_bytes())
    await stands_in_the_list(appliance, voice["id"], True)
    listed_s = time.monotonic() - began
    entry = (await offered(appliance))[voice["id"]]
    assert (entry.description, entry.languages) == ("John", ["en"])

    spoken = await synthesize(appliance.endpoint("tts"), "Good morning, everybody.", voice=voice["id"])
    spoken_s = time.monotonic() - began
    assert spoken.audio.duration_s > 0.5
    assert spoken_s < WITHIN_S
    print(f"in the list after {listed_s:.1f} s, spoken after {spoken_s:.1f} s")

    def turn() -> dict[str, Any] | None:
        stages = [
            stage
            for item in appliance.get("/api/turns")["items"]
            for stage in appliance.get(f"/api/turns/{item['id']}")["stages"]
            if stage["voice"] == voice["id"]
        ]
        return stages[0] if stages else None

    stage = await asyncio.to_thread(until, "the turn is in the history", turn, 10)
    assert (stage["worker"], stage["degraded"], stage["error_code"]) == ("f5", None, None)

    assert ask(appliance, "DELETE", f"/{voice['id']}").status_code == 204
    await stands_in_the_list(appliance, voice["id"], False)
    assert [path.name for path in (appliance.folder / "state" / "voices").iterdir()] == ["index.json"]
