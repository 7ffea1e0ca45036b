"""Pocket TTS with the files of its folder, or with made-up numbers; nothing is fetched from a hub.

The package takes a configuration that says where its files are, and those it ships say: on a hub. So it gets one of
ours, which is the shipped one of the language with the paths of the folder.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from avatar_appliance.errors import ConfigError

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
_SEED = 0
_RANDOM_SCALE = 0.05
_TINY_TOKENS = 300
# The smallest that has every part: two layers, heads of 32 numbers, the strides of the real codec.
_TINY: Mapping[str, Mapping[str, Any]] = {
    "flow_lm": {
        "flow": {"depth": 2, "dim": 32},
        "transformer": {"d_model": 64, "hidden_scale": 2, "num_heads": 2, "num_layers": 2},
        "lookup_table": {"dim": 64, "n_bins": _TINY_TOKENS},
    },
    "mimi": {
        "inner_dim": 8,
        "outer_dim": 32,
        "seanet": {"dimension": 32, "n_filters": 4},
        "transformer": {
            "d_model": 32, "num_heads": 2, "num_layers": 1, "dim_feedforward": 64, "input_dimension": 32,
            "output_dimensions": [32],
        },
        "quantizer": {"dimension": 8, "output_dimension": 32},
    },
}  # fmt: skip


def load_model(folder: Path, language: str, temperature: float) -> Any:
    """Return the package's TTSModel with the weights in `folder`.

    Raises ConfigError for a folder that holds no such model, ImportError where the package is not installed.
    """
    for name in (WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            raise ConfigError(f"{folder} has no {name}: it needs those of Pocket TTS for {language}")
    config = _shipped(language)
    config["weights_path"] = str(folder / WEIGHTS)
    config["flow_lm"]["lookup_table"]["tokenizer_path"] = str(folder / TOKENIZER)
    try:
        model = _built(config, temperature)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - each of its libraries raises its own for files that do not fit
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ConfigError(f"{folder} does not fit the model of Pocket TTS for {language}: {first}") from None
    if not bool(model.flow_lm.speaker_proj_weight.any()):
        raise ConfigError(
            f"{folder} holds the model that cannot clone",
            hint="Take model.safetensors from kyutai/pocket-tts (its terms have to be accepted there).",
        )
    return model


def random_model(language: str, size: str, temperature: float) -> Any:
    """Return the package's TTSModel with made-up numbers, the same each time, for benchmarks and tests."""
    import torch

    config = _shipped(language)
    if size == "tiny":
        config = _merged(config, _TINY)
    with tempfile.TemporaryDirectory(prefix="pocket-tts-") as folder:
        tokenizer = Path(folder) / TOKENIZER
        tokenizer.write_text(json.dumps(_tokenizer(config["flow_lm"]["lookup_table"]["n_bins"])), encoding="utf-8")
        config["flow_lm"]["lookup_table"]["tokenizer_path"] = str(tokenizer)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            model = _built(config, temperature)
            with torch.no_grad():
                for tensor in (*model.parameters(), *model.buffers()):
                    if tensor.is_floating_point() and not (tensor.any() and tensor.isfinite().all()):
                        tensor.normal_(0, _RANDOM_SCALE)
                model.flow_lm.speaker_proj_weight.normal_(0, 1)  # or no recording would be heard at all
    return model


def _built(config: Mapping[str, Any], temperature: float) -> Any:
    from pocket_tts import TTSModel

    # It tells lengths and times of each text at INFO, and the whole process's at the root.
    logging.getLogger("pocket_tts").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="pocket-tts-") as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
        return TTSModel.load_model(config=file, temp=temperature).eval()


def _shipped(language: str) -> dict[str, Any]:
    from pocket_tts.utils.config import CONFIGS_DIR

    config: dict[str, Any] = yaml.safe_load((CONFIGS_DIR / f"{language}.yaml").read_text(encoding="utf-8"))
    for key in ("weights_path", "weights_path_without_voice_cloning"):
        config.pop(key, None)
    return config


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merged(base[key], value) if isinstance(value, Mapping) else value
    return merged


def _tokenizer(count: int) -> dict[str, Any]:
    """Return a tokenizer of single characters with so many tokens, most of which stand for nothing."""
    characters = ["<unk>", *map(chr, range(32, 127)), "▁"]
    tokens = [*characters, *(f"<unused {number}>" for number in range(count - len(characters)))]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "WordLevel",
            "vocab": {token: number for number, token in enumerate(tokens)},
            "unk_token": "<unk>",
        },
    }
