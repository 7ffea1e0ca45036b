"""The section of Qwen3-TTS: what it refuses, what it expects to hold, and where its voices stand in the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from avatar_appliance.config import Settings
from avatar_appliance.config.gpu_workers import CosyVoiceWorker, F5TtsWorker
from avatar_appliance.config.memory_estimate import GIB, MIB, ModelSize
from avatar_appliance.config.qwen3_tts import Qwen3TtsWorker
from avatar_appliance.engines.launch import worker_environment
from avatar_appliance.engines.recipes import RECIPES
from avatar_appliance.models import load_catalogue
from avatar_appliance.models.needed import needed_models
from avatar_appliance.voices.cloners import Cloners
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, write_voice_index
from wyoming_servers.tts.profile_voices import ProfileVoices

VOICE = {"name": "a", "language": "zh-TW", "reference_audio": "/a.wav", "reference_text": "後面的燈"}


def qwen3(**values: Any) -> Qwen3TtsWorker:
    return Qwen3TtsWorker(**{"engine": "qwen3-tts", "model": "/m", **values})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model": None}, "name the folder"),
        ({"size": "tiny"}, "random only"),
        ({"speed": 1.2}, "nothing to set"),
        ({"chunk_steps": 0}, "greater than or equal to 1"),
        ({"temperature": 0}, "greater than 0"),
        ({"tier": "studio"}, "fast"),
        ({"voices": [{**VOICE, "language": "nl"}]}, "voice a: Qwen3-TTS does not speak nl"),
    ],
)
def test_what_it_refuses(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        qwen3(**values)


def test_it_clones_in_ten_languages_on_a_gpu() -> None:
    assert qwen3(voices=[VOICE]).clones
    assert set(qwen3().clone_languages) == {"zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it"}
    assert qwen3().runs_on == ("gpu",)
    assert qwen3(device="cpu").runs_on == ("cpu",)


def test_the_files_tell_which_model_it_is_and_so_what_it_holds() -> None:
    small = qwen3().estimate("cuda:0", lambda _: ModelSize(2_500_000_000))
    large = qwen3().estimate("cuda:0", lambda _: ModelSize(4_550_000_000))
    assert qwen3().estimate("cuda:0", lambda _: None) == small
    assert qwen3(weights="random", size="1.7b").estimate("cuda:0", lambda _: None) == large
    for estimate, held_mib in ((small, 3_804), (large, 5_760)):  # by NVML on an H200, after use
        assert held_mib <= estimate.rest_bytes / MIB <= held_mib * 1.03
    # Both fit a 24 GB card beside a chat model of 10.5 GiB, Whisper and F5-TTS (22.5 GiB are to be had of it).
    assert small.rest_bytes < large.rest_bytes < (22.5 - 10.5 - 2.5 - 1.8) * GIB
    assert qwen3(weights="random", size="tiny").estimate("cpu", lambda _: None).rest_bytes < GIB


def test_a_fast_voice_outranks_a_chat_model_and_a_studio_voice_makes_room_for_it() -> None:
    assert qwen3().default_priority == F5TtsWorker(engine="f5-tts", model="/f5").default_priority
    studio = qwen3(tier="high-quality").default_priority
    assert studio == CosyVoiceWorker(engine="cosyvoice", model="/c").default_priority < 60


def house(**workers: dict[str, Any]) -> Settings:
    fakes = {role: {"engine": "fake", "fake_role": role} for role in ("asr", "llm")}
    return Settings.model_validate(
        {
            "workers": {**fakes, **workers},
            "asr": {"workers": ["asr"]},
            "tts": {"workers": list(workers)},
            "conversation": {"workers": ["llm"]},
        }
    )


@pytest.mark.parametrize(
    ("tier", "public"), [("fast", ["anna", "anna-studio"]), ("high-quality", ["anna-studio", "anna-studio"])]
)
def test_its_voices_stand_where_its_tier_says(tmp_path: Path, tier: str, public: list[str]) -> None:
    settings = house(
        qwen={"engine": "qwen3-tts", "model": "/m", "tier": tier}, cosy={"engine": "cosyvoice", "model": "/c"}
    )
    assert [cloner.tier for cloner in Cloners.of(settings).all] == [tier, "high-quality"]
    index = tmp_path / "index.json"
    write_voice_index(
        index,
        [
            ClonedVoice(
                id="anna", name="Anna", languages=("zh-TW",), version=1, speed=1, tier="auto", purpose="answers",
                is_default=False, reference=tmp_path / "a.wav", transcript="好", transcript_language="zh-TW",
            )
        ],
    )  # fmt: skip
    voices = ProfileVoices.of(VoiceIndex(index), settings.tts.workers, settings.workers, ["zh-TW"])
    voices.refresh()
    listed = [voice for voice, _ in voices.listed()]
    assert [voice.name for voice in listed] == list(dict.fromkeys(public))
    assert listed[0].worker == "qwen"


def test_it_has_an_environment_of_its_own_that_looks_at_no_hub() -> None:
    settings = house(qwen={"engine": "qwen3-tts", "model": "/m"})
    environment = worker_environment(settings, "qwen")
    assert environment["HF_HUB_OFFLINE"] == environment["TRANSFORMERS_OFFLINE"] == "1"
    assert environment["PYTORCH_ALLOC_CONF"] == "expandable_segments:True"
    assert any(line.startswith("faster-qwen3-tts==") for line in RECIPES["qwen3-tts"].requirement_lines())
    assert needed_models(settings.workers.values(), load_catalogue()) == []  # a path of the owner's
