"""A voice from a recording to a spoken sentence, by F5-TTS through its true classes (small, random weights)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance import paths
from avatar_appliance.client import describe, synthesize
from avatar_appliance.engines import EngineVenv, InstalledEngine, recipe_for

from .appliance import EMBEDDED, Appliance, until
from .test_voice_profiles import ask, create

ENGINES = Path(os.environ.get("AVATAR_ENGINE_VENV", Path(__file__).parents[2] / ".venv-engines"))
WITHIN_S = 30.0
"""From the upload to the sentence, as the owner is promised."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.engine_f5,
    pytest.mark.skipif(
        not (ENGINES / "bin" / "python").exists(), reason="F5-TTS is not installed: `make test-engines`"
    ),
]


def install_f5(cache_dir: Path) -> None:
    """Have the environment of `make test-engines` be the engine's, as if `avatar workers install` had made it."""
    build = cache_dir / "venvs" / "f5-tts-test-py3"
    build.mkdir(parents=True)
    for part in ("bin", "lib", "pyvenv.cfg"):
        (build / part).symlink_to(ENGINES / part)
    version = subprocess.check_output(
        [ENGINES / "bin" / "python", "-c", "import platform as p; print(p.python_version())"]
    )
    engine = InstalledEngine(build, recipe_for("f5-tts").fingerprint(), version.decode().strip())
    EngineVenv(cache_dir, "f5-tts").finish(engine)


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    cache_dir = tmp_path / "cache"
    install_f5(cache_dir)
    (cache_dir / "models").symlink_to(paths.default_cache_dir() / "models")
    f5 = {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu", "nfe_steps": 7, "preload": True}
    overrides = {
        "workers": {**EMBEDDED, "f5": f5},
        "tts": {"workers": ["f5", "piper", "espeak"]},
        "paths": {
            "cache_dir": str(cache_dir),
            "state_dir": str(tmp_path / "state"),
            "runtime_dir": str(tmp_path / "run"),
        },
    }
    running = Appliance(tmp_path, overrides=overrides)
    try:
        running.start()
        yield running
    except BaseException:
        print(running.log.read_text("utf-8") if running.log.exists() else "no log")
        raise
    finally:
        running.kill()


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
