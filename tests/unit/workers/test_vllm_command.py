"""The arguments of `vllm serve`, and what is refused before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import fake_vllm
from pydantic import ValidationError

from avatar_appliance.config.gpu_workers import VllmWorker
from avatar_appliance.errors import ConfigError
from wyoming_servers.workers.vllm_command import kv_bytes_per_token, memory_share, vllm_command

GIB = 2**30


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return fake_vllm.model_folder(tmp_path / "Qwen3-8B-AWQ", weights_bytes=6 * GIB)


def worker(model: Path, **values: Any) -> VllmWorker:
    return VllmWorker(engine="vllm", model=str(model), **values)


def command(model: Path, total_bytes: int | None = 24 * GIB, **values: Any) -> list[str]:
    return vllm_command(Path("/v/bin/vllm"), worker(model, **values), model, Path("/r/s"), gpu_total_bytes=total_bytes)


def test_the_usual_command(model: Path) -> None:
    assert command(model) == [
        "/v/bin/vllm", "serve", str(model), "--uds", "/r/s", "--served-model-name", "Qwen3-8B-AWQ",
        "--load-format", "auto", "--dtype", "auto", "--max-model-len", "8192", "--max-num-seqs", "8",
        "--max-num-batched-tokens", "1024", "--kv-cache-memory-bytes", str(3 * GIB),
        "--gpu-memory-utilization", "0.4249", "--cudagraph-capture-sizes", "1", "2", "4", "8",
        "--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--enable-sleep-mode",
        "--enable-prompt-tokens-details", "--disable-uvicorn-access-log",
    ]  # fmt: skip


def test_what_can_be_left_out(model: Path) -> None:
    line = command(model, None, capture_sizes=[], tool_call_parser=None, sleep_level=0, extra_args=["--seed", "7"])
    assert "--enforce-eager" in line
    assert line[-2:] == ["--seed", "7"]
    absent = ("--gpu-memory-utilization", "--tool-call-parser", "--enable-sleep-mode", "--cudagraph-capture-sizes")
    assert not set(absent) & set(line)


def test_the_share_of_the_gpu_never_asks_for_more_than_it_will_take(model: Path) -> None:
    # vLLM refuses to start unless so much is free.
    settings = worker(model)
    for total in (24 * GIB, 80 * GIB, 12 * GIB):
        estimate = settings.estimate("cuda:0", lambda _: None)
        assert memory_share(settings, model, total) * total <= 10.2 * GIB < estimate.peak_bytes
    assert memory_share(settings, model, 8 * GIB) == 0.95


@pytest.mark.parametrize("option", ["--enable-log-requests", "--enable_log_requests", "--port=1", "--uds"])
def test_options_that_would_undo_a_promise_are_refused(model: Path, option: str) -> None:
    with pytest.raises(ValidationError, match="is set by the appliance"):
        worker(model, extra_args=[option])


def test_a_graph_nobody_would_use_is_a_mistake(model: Path) -> None:
    with pytest.raises(ValidationError, match="never used"):
        worker(model, max_num_seqs=4)


def test_a_cache_too_small_for_one_conversation_is_found_before_the_start(model: Path) -> None:
    with pytest.raises(ConfigError, match=r"kv_cache 1 GiB is too small .* needs 1\.1 GiB") as caught:
        command(model, kv_cache="1GiB")
    assert "lower max_model_len to 7281 or less" in caught.value.hint
    command(model, kv_cache="1GiB", max_model_len=7281)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # Measured: 3 GiB were 21,840 tokens, 2 GiB 37,440.
        ({"num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}, 147_456),
        ({"num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "hidden_size": 3584}, 57_344),
        ({"num_hidden_layers": 28, "num_attention_heads": 28, "layer_types": ["linear_attention"]}, None),
        ({"num_hidden_layers": "x"}, None),
        ([], None),
    ],
)
def test_what_a_token_takes_in_the_cache(config: Any, expected: int | None) -> None:
    assert kv_bytes_per_token(config) == expected


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no model folder: it has no readable config\.json"):
        command(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({}))
    with pytest.raises(ConfigError, match="has no weights"):
        command(tmp_path)
    command(tmp_path, load_format="dummy")
