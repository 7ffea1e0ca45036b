"""Reading vLLM's log: lines of 0.33, and bytes in pieces."""

from __future__ import annotations

import logging

import pytest

from wyoming_servers.workers.vllm_log import LineSplitter, VllmLog

START = [
    ("(APIServer pid=7) INFO 11-22 18:40:12 [utils.py:320] vLLM API server version 0.33.0", "starting"),
    (
        "(EngineCore pid=9) INFO 11-22 18:40:20 [gpu_model_runner.py:4979] Starting to load model x...",
        "loading weights",
    ),
    ("Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01]", "loading weights (50 %)"),
    ("(EngineCore pid=9) INFO 11-22 18:40:30 [backends.py:1187] Dynamo bytecode transform time: 5.01 s", "compiling"),
    ("(EngineCore pid=9) INFO 11-22 18:40:50 [kv_cache_utils.py:1318] GPU KV cache size: 21,840 tokens", "warming up"),
    ("Capturing CUDA graphs (decode, FULL):  75%|###   | 3/4 [00:00<00:00]", "capturing graphs (75 %)"),
    ("(APIServer pid=7) INFO 11-22 18:41:02 [entry.py:139] Starting vLLM server on unix:/x", "opening its endpoint"),
]


def test_the_stages_of_a_start_are_told_and_never_go_back() -> None:
    log = VllmLog()
    for line, status in START:
        log.read(line, 0.0)
        assert log.status == status
    log.read(START[2][0], 0.0)
    assert log.status == "opening its endpoint"


@pytest.mark.parametrize(
    "line",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
        "RuntimeError: CUDA error: out of memory",
        "CUDA Error: out of memory at csrc/cumem_allocator.cpp:139",
        "ValueError: Free memory on device cuda:0 (3.1/23.5 GiB) on startup is less than desired",
        "ValueError: No available memory for the cache blocks.",
    ],
)
def test_every_way_to_say_that_the_gpu_is_full_is_understood(line: str) -> None:
    log = VllmLog()
    log.read(line, 5.0)
    assert log.out_of_memory_at_s == 5.0


def test_the_cause_of_a_failed_start_is_kept_and_not_its_consequence() -> None:
    log = VllmLog()
    for line in (
        "(EngineCore pid=9) ERROR 11-22 18:40:30 [core.py:770] EngineCore failed to start.",
        "(EngineCore pid=9) ERROR 11-22 18:40:30 [core.py:770] Traceback (most recent call last):",
        "ValueError: quantization method gguf is not known",
        "RuntimeError: Engine core initialization failed. See root cause above.",
    ):
        log.read(line, 0.0)
    assert log.last_error == "ValueError: quantization method gguf is not known"


def test_an_older_version_s_prefix_before_a_traceback_is_no_part_of_the_cause() -> None:
    log = VllmLog()
    log.read("(EngineCore_DP0 pid=9) ValueError: no such layer", 0.0)
    assert log.last_error == "ValueError: no such layer"


def test_once_it_serves_texts_are_for_debug_only() -> None:
    log = VllmLog()
    assert log.read("(EngineCore pid=9) WARNING 11-22 18:40:30 [a.py:1] before", 0.0) == (
        logging.WARNING,
        "a.py:1: before",
    )
    log.serving = True
    private = "(APIServer pid=7) WARNING 11-22 18:50:00 [b.py:2] she said hello"
    assert log.read(private, 0.0) == (logging.WARNING, "warning at b.py:2 (text at DEBUG)")
    for line in (
        "INFO:     she said hello",
        "ValueError: hello",
        "hello",
        "Loading hello checkpoint shards: 1% Completed",
    ):
        assert log.read(line, 0.0) == (logging.DEBUG, line)
    assert log.last_error == ""


def test_lines_are_found_across_pieces_and_a_line_without_end_is_bounded() -> None:
    splitter = LineSplitter()
    assert list(splitter.feed(b"one\ntw")) == ["one"]
    assert list(splitter.feed("o\r\rthree ä".encode()[:-1])) == ["two"]
    assert list(splitter.feed("ä".encode()[1:] + b"\n\n")) == ["three ä"]
    assert [len(line) for line in splitter.feed(b"x" * 100_000)] == [100_000]
    assert list(splitter.feed(b"y\n")) == ["y"]
