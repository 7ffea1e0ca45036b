"""What the embedded engines hold and how long they take to start, from measurements.

Two machines: (C) 2 vCPU AMD EPYC, AVX2, resident set and its peak from /proc, November 2026; (G) NVIDIA H100, driver
580, bytes of the process by NVML, November 2026. A CUDA context is 0.63 GiB on (G) and smaller on a card with fewer
multiprocessors, so that these figures are a little high for a 24 GB card. Rounded up: too much only delays a start
until the first measurement, too little may end one.
"""

from __future__ import annotations

from collections.abc import Sequence

from .memory_estimate import MIB, MemoryEstimate, ModelSize

# Of a model whose files nobody knows: whisper-small, a medium Piper voice, a 4-bit model of 1.5 billion parameters.
_UNKNOWN_WHISPER_BYTES = 490_000_000
_UNKNOWN_VOICE_BYTES = 63_000_000
_UNKNOWN_LLM_BYTES = 1_120_000_000

# Whisper files are float16; what CTranslate2 keeps of them.
_WHISPER_WEIGHTS = {"float16": 1.0, "float32": 2.0, "int8": 0.5, "int8_float16": 0.5}
# (G) large-v3-turbo (1,542 MiB of files) after use: float16 2,549 MiB, int8_float16 1,623. A like-for-like test of
# others (wyoming-faster-whisper issue 122) has int8 258 MiB above int8_float16.
_WHISPER_GPU_BYTES = {"float16": 1010 * MIB, "float32": 1100 * MIB, "int8": 1110 * MIB, "int8_float16": 855 * MIB}
# NVIDIA H200, the worker's own process on random weights of that size: 2,540 and 1,614 MiB in use, and for a moment
# 2,700 and 1,806 (benchmarks/results/gpu-whisper-h200.json).
_WHISPER_GPU_PEAK_BYTES = 200 * MIB
# (C) whisper-base int8 (139 MiB of files): 224 MiB at rest, 270 MB in use, 342 MiB at its peak while it quantises.
_WHISPER_CPU_BYTES = 200 * MIB
# Python, CTranslate2 and the CUDA libraries in RAM: an estimate, not measured.
_WHISPER_GPU_HOST_BYTES = 800 * MIB

# (C) Piper with one medium voice (60 MiB of files): 179 MiB at rest, up to 300 MB in use.
_PIPER_BYTES = 120 * MIB
_VOICE_IN_USE = 2.7

# (C) eSpeak NG: 112 MiB, most of it pypinyin's dictionaries.
_ESPEAK_BYTES = 120 * MIB

# Bytes of KV cache (float16) per token and byte of a 4-bit model: 12,288 for Qwen2.5-0.5B (491 MB), 28,672 for 1.5B
# (1,117 MB) by their config.json. Models of 7 to 8 billion with few KV heads (Qwen2.5-7B: 57,344) need less.
_KV_BYTES_PER_TOKEN = 1 / 39_000
# (C) 0.5B at 4,096 tokens: 0.68-0.76 GB; 1.5B: 2.0 GB. Weights are repacked for the CPU in part.
_LLAMA_CPU_WEIGHTS = 1.5
_LLAMA_CPU_BYTES = 150 * MIB
# CUDA context and compute buffers: an estimate, llama.cpp was not measured on a GPU.
_LLAMA_GPU_BYTES = 1000 * MIB
_LLAMA_HOST_BYTES = 500 * MIB
_CATALOGUE_CONTEXT_TOKENS = 4096

# (C) a scripted worker.
_FAKE_BYTES = 100 * MIB

_READ_BYTES_PER_S = 500e6  # a model comes from a SATA disk at worst


def estimate_whisper(device: str, compute_type: str, size: ModelSize | None) -> MemoryEstimate:
    """Return the estimate of faster-whisper; `auto` computes in float16 on a GPU and int8 on a CPU."""
    file_bytes = _UNKNOWN_WHISPER_BYTES if size is None else size.file_bytes
    if device == "cpu":
        weights = {"float16": 2.0, "float32": 2.0}.get(compute_type, 0.5)  # CPUs compute in float32 or int8
        rest = int(file_bytes * weights) + _WHISPER_CPU_BYTES
        if weights == 0.5 and size is not None and size.ram_bytes is not None:
            rest = size.ram_bytes
        # (C) 3.4 s for base, of which 1.4 s are the model and a first run over it.
        return MemoryEstimate.on_cpu(rest, start_s=2.0 + file_bytes / 100e6, peak_bytes=rest + int(file_bytes * 0.7))
    kind = compute_type if compute_type in _WHISPER_GPU_BYTES else "float16"
    rest = int(file_bytes * _WHISPER_WEIGHTS[kind]) + _WHISPER_GPU_BYTES[kind]
    # (G) loading float16 took 1.5 s, quantising 4.4 s; imports and the first run are in the rest.
    start_s = 5.0 + file_bytes / _READ_BYTES_PER_S + (3.0 if kind.startswith("int8") else 0.0)
    return MemoryEstimate(
        rest_bytes=rest,
        peak_bytes=rest + _WHISPER_GPU_PEAK_BYTES,
        start_s=start_s,
        host_bytes=file_bytes // 2 + _WHISPER_GPU_HOST_BYTES,
    )


def estimate_piper(sizes: Sequence[ModelSize | None]) -> MemoryEstimate:
    """Return the estimate of Piper with these voices."""
    files = [_UNKNOWN_VOICE_BYTES if size is None else size.file_bytes for size in sizes]
    rest = _PIPER_BYTES + int(sum(files) * _VOICE_IN_USE)
    return MemoryEstimate.on_cpu(rest, start_s=1.5 + 1.2 * len(files))  # (C) 2.3 s with one voice


def estimate_espeak() -> MemoryEstimate:
    """Return the estimate of eSpeak NG."""
    return MemoryEstimate.on_cpu(_ESPEAK_BYTES, start_s=2.5)  # (C) 2.3 s


def estimate_llama_cpp(device: str, context_tokens: int, size: ModelSize | None) -> MemoryEstimate:
    """Return the estimate of llama.cpp's server; on a GPU as if all layers were there."""
    file_bytes = _UNKNOWN_LLM_BYTES if size is None else size.file_bytes
    kv_bytes_per_token = file_bytes * _KV_BYTES_PER_TOKEN
    kv_bytes = int(context_tokens * kv_bytes_per_token)
    start_s = 4.0 + file_bytes / _READ_BYTES_PER_S  # (C) 3.8-4.2 s for 0.5B, 4.9 s for 1.5B from the page cache
    if device != "cpu":
        rest = file_bytes + kv_bytes + _LLAMA_GPU_BYTES
        return MemoryEstimate(
            rest_bytes=rest, peak_bytes=rest, start_s=start_s + 2.0, host_bytes=file_bytes // 4 + _LLAMA_HOST_BYTES
        )
    if size is not None and size.ram_bytes is not None:
        more_tokens = max(0, context_tokens - _CATALOGUE_CONTEXT_TOKENS)
        rest = size.ram_bytes + int(more_tokens * kv_bytes_per_token)
    else:
        rest = int(file_bytes * _LLAMA_CPU_WEIGHTS) + kv_bytes + _LLAMA_CPU_BYTES
    return MemoryEstimate.on_cpu(rest, start_s=start_s)


def estimate_fake(load_s: float) -> MemoryEstimate:
    """Return the estimate of a scripted worker."""
    return MemoryEstimate.on_cpu(_FAKE_BYTES, start_s=1.0 + load_s)
