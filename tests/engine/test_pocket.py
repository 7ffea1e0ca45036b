"""Pocket TTS through its true classes, small and with random weights, on the CPU."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

if importlib.util.find_spec("pocket_tts") is None or importlib.util.find_spec("torch") is None:
    pytest.skip("Pocket TTS is not installed here: `make test-engines`", allow_module_level=True)

from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.config.pocket_tts import PocketTtsWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown
from avatar_appliance.voices.voice_index import VoiceIndex
from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.pocket import model as pocket
from wyoming_servers.workers.pocket_tts import PocketTtsEngine

if TYPE_CHECKING:
    from .conftest import Profiles

pytestmark = [pytest.mark.engine_pocket, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")]

TEXT = "Turn on the light in the kitchen, and tell me what the weather will be."


def settings(recording: Path, **values: Any) -> PocketTtsWorker:
    voice = {"name": "a", "language": "en", "reference_audio": str(recording), "reference_text": "hello"}
    base = {"engine": "pocket-tts", "weights": "random", "size": "tiny", "seed": 7, "voices": [voice]}
    return PocketTtsWorker(**{**base, **values})


@pytest.fixture(scope="module")
def engine(recording: Path) -> PocketTtsEngine:
    made = PocketTtsEngine(settings(recording), None)
    made.load()
    return made


def speak(engine: PocketTtsEngine, text: str = TEXT, voice: str = "a") -> bytes:
    return b"".join(piece.pcm for piece in engine.synthesize(text, voice, None, StopFlag()))


def alike(one: bytes, two: bytes) -> bool:
    """Tell whether two are the same but for rounding: how many frames are decoded at once depends on the clock."""
    first, second = (np.frombuffer(pcm, "<i2").astype(int) for pcm in (one, two))
    return len(first) == len(second) and int(np.abs(first - second).max()) <= 16


def test_a_text_becomes_audio_that_a_seed_repeats(engine: PocketTtsEngine) -> None:
    first = speak(engine)
    assert len(first) > 2 * 24_000 * 0.4  # at least six frames of 80 ms are spoken
    assert np.abs(np.frombuffer(first, "<i2")).max() > 100
    assert alike(speak(engine), first)


def test_it_streams(engine: PocketTtsEngine) -> None:
    pieces = list(engine.synthesize(f"{TEXT} {TEXT} {TEXT}", "a", None, StopFlag()))
    assert len(pieces) > 1
    assert {piece.rate_hz for piece in pieces} == {24_000}


@pytest.mark.parametrize("text", ["", "  ", "...", "?!"])
def test_what_has_no_word_is_not_spoken(engine: PocketTtsEngine, text: str) -> None:
    assert speak(engine, text) == b""


def test_another_recording_is_another_voice(engine: PocketTtsEngine, recording: Path, tmp_path: Path) -> None:
    import soundfile

    samples, rate = soundfile.read(recording)
    soundfile.write(tmp_path / "other.wav", np.sign(samples) * np.sqrt(np.abs(samples)), rate)
    other = {"name": "b", "language": "en", "reference_audio": str(tmp_path / "other.wav"), "reference_text": "x"}
    second = PocketTtsEngine(settings(recording, voices=[other]), None)
    second.load()
    # Made-up numbers hardly listen to what they remember: so what the model remembers of each is compared.
    caches = [
        [part["cache"].numpy() for part in voices[name].values() if "cache" in part]
        for voices, name in ((engine._voices, "a"), (second._voices, "b"))
    ]
    assert len(caches[0]) == 2
    for one, two in zip(*caches, strict=True):
        frames = min(one.shape[2], two.shape[2])
        assert float(np.nanmax(np.abs(one[:, :, :frames] - two[:, :, :frames]))) > 0.01


def test_a_stopped_text_ends_and_leaves_no_thread_behind(engine: PocketTtsEngine) -> None:
    import threading

    before = threading.active_count()
    stop = StopFlag()
    speech = engine.synthesize(f"{TEXT} " * 8, "a", None, stop)
    next(speech)
    stop.set()
    assert list(speech) == []
    assert threading.active_count() == before
    speech = engine.synthesize(f"{TEXT} " * 8, "a", None, StopFlag())
    next(speech)
    speech.close()
    assert threading.active_count() == before
    assert alike(speak(engine), speak(engine))  # and it speaks on as before


def test_a_profile_speaks_after_it_was_written_and_no_more_after_it_was_deleted(
    recording: Path, profiles: Profiles
) -> None:
    engine = PocketTtsEngine(settings(recording, voices=[]), None, VoiceIndex(profiles.path))
    engine.load()
    assert engine.program().voices == []
    profiles.write("anna", "ben", transcript="hello", languages=("en-GB", "zh-TW"))
    anna, _ = engine.program().voices
    assert (anna.name, anna.description, anna.languages) == ("clone:anna:1", "Anna", ["en-GB"])
    assert speak(engine, voice="clone:anna:1")
    profiles.write("ben", transcript="hello", languages=("en",))
    assert [voice.name for voice in engine.program().voices] == ["clone:ben:1"]
    with pytest.raises(VoiceUnknown):
        speak(engine, voice="clone:anna:1")
    profiles.write("ben", transcript="hello", languages=("zh-TW",))
    assert engine.program().voices == []  # it has no Chinese


def test_an_unknown_voice_is_refused(engine: PocketTtsEngine) -> None:
    for name in ("nobody", "clone:anna:1", "clone:", "alba"):
        with pytest.raises(VoiceUnknown):
            speak(engine, voice=name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder as an owner has it, of the tiny shape."""
    import safetensors.torch

    shipped = pocket._shipped

    def tiny(language: str) -> dict[str, Any]:
        return pocket._merged(shipped(language), pocket._TINY)

    model = pocket.random_model("english", "tiny", 0.3)
    made = tmp_path / "model"
    made.mkdir()
    safetensors.torch.save_file(model.state_dict(), made / pocket.WEIGHTS)
    (made / pocket.TOKENIZER).write_text(json.dumps(pocket._tokenizer(pocket._TINY_TOKENS)))
    monkeypatch.setattr(pocket, "_shipped", tiny)
    return made


def test_the_files_of_a_folder_make_the_model_they_came_from(
    engine: PocketTtsEngine, recording: Path, folder: Path
) -> None:
    loaded = PocketTtsEngine(settings(recording, weights="model", size="base", model=str(folder)), folder)
    loaded.load()
    assert alike(speak(loaded), speak(engine))


def test_files_that_do_not_fit_are_a_configuration_error(folder: Path) -> None:
    import safetensors.torch

    whole = safetensors.torch.load_file(folder / pocket.WEIGHTS)

    def write(state: dict[str, Any]) -> None:
        safetensors.torch.save_file(state, folder / pocket.WEIGHTS)

    write({**whole, "flow_lm.speaker_proj_weight": whole["flow_lm.speaker_proj_weight"] * 0})
    with pytest.raises(ConfigError, match="cannot clone"):
        pocket.load_model(folder, "english", 0.3)
    write(dict(list(whole.items())[1:]))
    with pytest.raises(ConfigError, match="does not fit"):
        pocket.load_model(folder, "english", 0.3)
    (folder / pocket.WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="does not fit"):
        pocket.load_model(folder, "english", 0.3)
    (folder / pocket.TOKENIZER).unlink()
    with pytest.raises(ConfigError, match=r"no tokenizer\.json"):
        pocket.load_model(folder, "english", 0.3)


@pytest.mark.parametrize("language", ["english", "french", "german", "italian", "portuguese", "spanish", "dutch"])
def test_the_package_ships_a_configuration_for_every_language_we_name(language: str) -> None:
    config = pocket._shipped(language)
    assert config["mimi"]["sample_rate"] == 24_000
    assert "weights_path" not in config  # nothing is fetched


async def test_as_a_worker_process_it_speaks_a_profile_written_after_its_start(
    recording: Path, runtime_dir: Path
) -> None:
    from .conftest import Profiles

    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))}
    worker = settings(recording, voices=[]).model_dump(mode="json", exclude_unset=True)
    house = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["l"]},
        "workers": {**fakes, "w": worker},
        "paths": {key: str(runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = runtime_dir / "config.yaml"
    file.write_text(yaml.safe_dump(house, allow_unicode=True))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "w",
        env={key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")},
    )  # fmt: skip
    try:
        socket = runtime_dir / "worker-w.sock"
        async with asyncio.timeout(180):
            while not socket.exists():
                assert process.returncode is None
                await asyncio.sleep(0.1)
            Profiles(runtime_dir, recording).write("anna", transcript="hello", languages=("en",))
            async with AsyncClient.from_uri(f"unix://{socket}") as client:
                await client.write_event(Describe().event())
                event = await client.read_event()
                assert event is not None
                assert [voice.name for voice in Info.from_event(event).tts[0].voices] == ["clone:anna:1"]
                await client.write_event(Synthesize(TEXT, SynthesizeVoice(name="clone:anna:1")).event())
                seconds = 0.0
                while (event := await client.read_event()) is not None and not AudioStop.is_type(event.type):
                    assert event.type != "error", event.data
                    if AudioChunk.is_type(event.type):
                        seconds += AudioChunk.from_event(event).seconds
                assert seconds > 0.4
                await client.write_event(Synthesize(TEXT, SynthesizeVoice(name="clone:ben:1")).event())
                event = await client.read_event()
                assert event is not None
                assert event.data["code"] == "voice-unknown"
    finally:
        process.terminate()
        assert await process.wait() == 0
