"""What `avatar up --fake` runs instead of the configured workers: scripted ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FakeHouse = Mapping[str, Mapping[str, Any]]

_FAKE: FakeHouse = {
    "workers": {
        "fake-asr": {"engine": "fake", "fake_role": "asr"},
        "fake-tts": {"engine": "fake", "fake_role": "tts"},
        "fake-llm": {"engine": "fake", "fake_role": "llm"},
    },
    "asr": {"workers": ["fake-asr"]},
    "tts": {"workers": ["fake-tts"]},
    "conversation": {"workers": ["fake-llm"]},
    "speaker": {"workers": []},
}
# For a simulated GPU: the sizes that Whisper turbo, CosyVoice, F5-TTS and an 8B model have there (docs/gpu-workers.md),
# each above a small one on the CPU.
_FAKE_ON_GPU: FakeHouse = {
    "workers": {
        "fake-asr": {"engine": "fake", "fake_role": "asr", "device": "cuda", "memory": "2.4GiB", "load_s": 2},
        "fake-studio": {
            "engine": "fake", "fake_role": "tts", "device": "cuda", "memory": "4.5GiB", "load_s": 5, "priority": 30,
            "preload": False, "keep_alive_s": 600,
        },
        "fake-fast": {
            "engine": "fake", "fake_role": "tts", "device": "cuda", "memory": "1.8GiB", "load_s": 2, "preload": True,
        },
        "fake-llm": {"engine": "fake", "fake_role": "llm", "device": "cuda", "memory": "9.6GiB", "load_s": 5},
        "fake-asr-cpu": {"engine": "fake", "fake_role": "asr", "preload": True},
        "fake-tts-cpu": {"engine": "fake", "fake_role": "tts", "preload": True},
        "fake-llm-cpu": {"engine": "fake", "fake_role": "llm", "preload": True},
    },
    "asr": {"workers": ["fake-asr", "fake-asr-cpu"]},
    "tts": {"workers": ["fake-studio", "fake-fast", "fake-tts-cpu"]},
    "conversation": {"workers": ["fake-llm", "fake-llm-cpu"]},
    "speaker": {"workers": []},
}  # fmt: skip


def fake_house(*, on_gpu: bool) -> FakeHouse:
    """Return the sections that take the place of those configured; `on_gpu`: with workers for a simulated GPU."""
    return _FAKE_ON_GPU if on_gpu else _FAKE


def fake_environment(house: FakeHouse) -> dict[str, str]:
    """Return the environment that gives child processes the same fake workers."""
    ladders = {role: values["workers"] for role, values in house.items() if role != "workers"}
    return {
        "AVATAR_WORKERS": json.dumps(house["workers"]),
        **{f"AVATAR_{role.upper()}__WORKERS": json.dumps(ladder) for role, ladder in ladders.items()},
    }
