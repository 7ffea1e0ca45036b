"""Qwen3-TTS from the files of its folder; nothing is fetched from a hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from avatar_appliance.errors import ConfigError
from wyoming_servers.workers.memory_failure import is_out_of_memory

from .imports import Qwen3Package

RATE_HZ = 24_000
STEPS_PER_S = 12.5
"""Each step of the model makes 80 ms of speech."""

_CODEC = "speech_tokenizer"
_FILES = ("config.json", "generation_config.json", f"{_CODEC}/config.json", f"{_CODEC}/preprocessor_config.json")


def load_base(package: Qwen3Package, folder: Path, device: str) -> Any:
    """Return the package's `Qwen3TTSModel` with the weights in `folder`, in half precision on a GPU.

    Raises ConfigError for a folder that holds no model of Qwen3-TTS that can clone.
    """
    check_folder(folder)
    try:
        base = package.Qwen3TTSModel.from_pretrained(
            str(folder), device_map=device, dtype=dtype_of(package.torch, device), attn_implementation="sdpa"
        )
    except Exception as error:
        if is_out_of_memory(error):
            raise
        # Each of its libraries raises its own for files that do not fit.
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ConfigError(f"{folder} cannot be loaded as a model of Qwen3-TTS: {first}") from None
    base.model.eval()
    return base


def check_folder(folder: Path) -> None:
    """Raise ConfigError, with what to do about it, for a folder without the files of a model that can clone."""
    for name in _FILES:
        if not (folder / name).is_file():
            raise ConfigError(
                f"{folder} has no {name}",
                hint=f"Take the whole repository Qwen/Qwen3-TTS-12Hz-0.6B-Base, with its folder {_CODEC}.",
            )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type, kind, codec = (config.get(key) for key in ("model_type", "tts_model_type", "tokenizer_type"))
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"{folder}/config.json cannot be read: {error}") from None
    if model_type != "qwen3_tts":
        raise ConfigError(f"{folder} is no model of Qwen3-TTS (its model_type is {model_type!r})")
    if kind != "base":
        raise ConfigError(
            f"{folder} holds a model that cannot clone ({kind!r})", hint="Take one whose name ends with -Base."
        )
    if codec != "qwen3_tts_tokenizer_12hz":
        raise ConfigError(f"{folder} has the codec {codec!r}", hint="Take one of the models named Qwen3-TTS-12Hz.")


def dtype_of(torch: Any, device: str) -> Any:
    """Return the number format on `device`: the models were trained in bfloat16, which a CPU is slow at."""
    return torch.float32 if device == "cpu" else torch.bfloat16
