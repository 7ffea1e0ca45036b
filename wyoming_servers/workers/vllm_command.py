"""The command line of `vllm serve` for one worker, and what can be known to be wrong before it runs.

vLLM needs a minute to find out that something does not fit; what its config.json tells is checked here at once.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from avatar_appliance.config.gpu_workers import VLLM_OVERHEAD_BYTES, VllmWorker
from avatar_appliance.config.size import format_size
from avatar_appliance.engines.errors import EngineMissing
from avatar_appliance.engines.venv import EngineVenv
from avatar_appliance.errors import ConfigError

_WEIGHT_FILES = ("*.safetensors", "*.bin", "*.pt")
# vLLM refuses to start unless this share of the whole GPU is free, also where the size of its cache is given: it must
# not be more than it will take. Its lower end: what a small model takes.
_LEAST_SHARE = 0.02


def vllm_program(settings: VllmWorker, cache_dir: Path) -> Path:
    """Return the program to run: the owner's own, or the installed one. Raises EngineMissing, ConfigError."""
    if settings.executable is not None:
        if not os.access(settings.executable, os.X_OK):
            raise ConfigError(f"{settings.executable} cannot be run", hint="Correct `executable` in config.yaml.")
        return settings.executable
    found = EngineVenv(cache_dir, "vllm").installed()
    if found is None:
        raise EngineMissing("vLLM is not installed", hint="Run `avatar workers install vllm`.")
    return found.program("vllm")


def vllm_command(
    program: Path, settings: VllmWorker, model: Path, socket: Path, *, gpu_total_bytes: int | None
) -> list[str]:
    """Return the argument list; raises ConfigError for what cannot work."""
    check_model(settings, model)
    command = [str(program), "serve", str(model), "--uds", str(socket)]
    command += ["--served-model-name", settings.name_served]
    command += ["--load-format", settings.load_format, "--dtype", settings.dtype]
    if settings.quantization != "auto":
        command += ["--quantization", settings.quantization]
    command += ["--max-model-len", str(settings.max_model_len), "--max-num-seqs", str(settings.max_num_seqs)]
    command += ["--max-num-batched-tokens", str(settings.max_num_batched_tokens)]
    command += ["--kv-cache-memory-bytes", str(settings.kv_cache)]
    if gpu_total_bytes is not None:
        command += ["--gpu-memory-utilization", f"{memory_share(settings, model, gpu_total_bytes):.4f}"]
    if settings.capture_sizes:
        command += ["--cudagraph-capture-sizes", *map(str, settings.capture_sizes)]
    else:
        command.append("--enforce-eager")
    if settings.tool_call_parser is not None:
        command += ["--enable-auto-tool-choice", "--tool-call-parser", settings.tool_call_parser]
    if settings.reasoning_parser is not None:
        command += ["--reasoning-parser", settings.reasoning_parser]
    if settings.sleep_level:
        command.append("--enable-sleep-mode")
    command.append("--enable-prompt-tokens-details")  # tells how much of a prompt was in the prefix cache
    command.append("--disable-uvicorn-access-log")  # a line per request, and per look at its health
    return [*command, *settings.extra_args]


def memory_share(settings: VllmWorker, model: Path, gpu_total_bytes: int) -> float:
    """Return the share of the GPU it will take: weights, cache and overhead, rounded down."""
    need = weights_bytes(settings, model) + settings.kv_cache + VLLM_OVERHEAD_BYTES
    return min(0.95, max(_LEAST_SHARE, math.floor(need / gpu_total_bytes * 10_000) / 10_000))


def weights_bytes(settings: VllmWorker, model: Path) -> int:
    """Return the size of the weight files; of a dummy model, and where it cannot be seen, 0."""
    if settings.load_format == "dummy" or not model.is_dir():
        return 0
    for pattern in _WEIGHT_FILES:  # the first kind that is there: a folder may hold the same weights twice
        if files := list(model.glob(pattern)):
            return sum(file.stat().st_size for file in files)
    return 0


def check_model(settings: VllmWorker, model: Path) -> None:
    """Raise ConfigError for a folder that is no model, or a cache too small for one conversation."""
    try:
        config: Any = json.loads((model / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(f"{model} is no model folder: it has no readable config.json") from None
    if settings.load_format == "auto" and weights_bytes(settings, model) == 0:
        raise ConfigError(f"{model} has no weights (*.safetensors)")
    per_token = kv_bytes_per_token(config)
    if per_token is not None and settings.kv_cache < (need := per_token * settings.max_model_len):
        raise ConfigError(
            f"kv_cache {format_size(settings.kv_cache)} is too small for max_model_len {settings.max_model_len}: "
            f"this model needs {format_size(need)}",
            hint=f"Raise kv_cache, or lower max_model_len to {settings.kv_cache // per_token} or less.",
        )


def kv_bytes_per_token(config: Any) -> int | None:
    """Return what one token takes in the cache; None where the model is no plain transformer."""
    try:
        if config.get("layer_types") or config.get("use_sliding_window") or config.get("kv_lora_rank"):
            return None  # linear or sliding attention: far less, and vLLM does its own sums
        heads = int(config["num_attention_heads"])
        kv_heads = int(config.get("num_key_value_heads") or heads)
        head_bytes = 2 * int(config.get("head_dim") or int(config["hidden_size"]) // heads)
        return 2 * int(config["num_hidden_layers"]) * kv_heads * head_bytes  # keys and values, 16 bits each
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
