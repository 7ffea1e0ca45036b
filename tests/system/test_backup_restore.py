"""A house moves: backed up while it speaks, restored elsewhere, and it is the same house."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from avatar_appliance.client import converse, synthesize
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, voice_index_path, write_voice_index

from .appliance import Appliance, until

pytestmark = pytest.mark.system
SENTENCES = ("turn on the light in the hall", "今天天氣怎麼樣", "good night")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """An appliance on scripted models."""
    running = Appliance(tmp_path_factory.mktemp("house"), arguments=("--fake",))
    try:
        running.start()
        yield running
    finally:
        running.kill()


def avatar(house: Appliance, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "avatar_appliance", *arguments, "--config", str(house.config)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def history(house: Appliance) -> list[dict[str, Any]]:
    """Every turn with its stages, as the API tells it."""
    turns = house.get("/api/turns?limit=200")["items"]
    return [house.get(f"/api/turns/{turn['id']}") for turn in turns]


def settled(house: Appliance) -> list[dict[str, Any]] | None:
    try:
        turns = history(house)
    except HTTPError:  # one that was joined with another between two requests
        return None
    whole = len(turns) >= len(SENTENCES) and all(turn["status"] != "in_progress" for turn in turns)
    return turns if whole else None


def give_a_voice(state_dir: Path) -> ClonedVoice:
    reference = state_dir / "voices/anna/reference.wav"
    reference.parent.mkdir(parents=True)
    with wave.open(str(reference), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(24_000)
        wav.writeframes(bytes(range(256)) * 750)
    voice = ClonedVoice(
        id="anna", name="Anna", languages=("en", "zh-TW"), version=2, speed=1.0, tier="auto", purpose="answers",
        is_default=True, reference=reference, transcript="What she says.", transcript_language="en",
    )  # fmt: skip
    write_voice_index(voice_index_path(state_dir), [voice])
    return voice


async def test_a_house_that_is_restored_elsewhere_has_the_same_history_voices_and_recordings(
    house: Appliance, tmp_path: Path
) -> None:
    voice = give_a_voice(house.folder / "state")
    for sentence in SENTENCES:
        answer = await converse(house.endpoint("conversation"), sentence, language="en")
        await synthesize(house.endpoint("tts"), answer.text, language="en")
    turns = until("the turns are told", lambda: settled(house))
    assert any(turn["audio_out"] for turn in turns)

    (tmp_path / "nas").mkdir()
    made = avatar(house, "backup", str(tmp_path / "nas"), "--audio", "--json")
    assert made.returncode == 0, made.stderr
    path = json.loads(made.stdout)["path"]
    assert avatar(house, "backup", "verify", path).returncode == 0

    refused = avatar(house, "restore", path)
    assert refused.returncode == 75
    assert "appliance-running" in refused.stderr

    new = Appliance(tmp_path / "new", arguments=("--fake",), ports=house.ports)
    new.folder.mkdir()
    assert house.stop() == 0
    new.config.write_text(json.dumps(new._configuration()), encoding="utf-8")
    restored = avatar(new, "restore", path)
    assert restored.returncode == 0, restored.stderr
    [there] = VoiceIndex(voice_index_path(new.folder / "state")).voices
    assert (there.id, there.version, there.transcript) == (voice.id, voice.version, voice.transcript)
    assert there.reference.read_bytes() == voice.reference.read_bytes()
    try:
        new.start()
        assert history(new) == turns
        for turn in turns:
            for recording in turn["audio_out"]:
                assert new.get(recording["url"]).startswith(b"RIFF")
        answer = await converse(new.endpoint("conversation"), "and it still answers", language="en")
        assert answer.text
        assert new.stop() == 0
    finally:
        new.kill()
