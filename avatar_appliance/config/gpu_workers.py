"""Worker sections of the engines that live on a GPU: vLLM, F5-TTS, CosyVoice.

The bytes of their estimates were measured on an H100 with the true architectures (docs/gpu-workers.md has the table);
they are rounded up, and a smaller GPU has a smaller CUDA context. What a worker really takes replaces them after its
first start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from .cloning import CloneTier, CloningWorker
from .local_worker import DeviceKind, GpuWorker, Role, ToolUse
from .memory_estimate import GIB, MIB, MemoryEstimate, ModelSizes
from .size import Size

NfeSteps = Literal[5, 6, 7, 10, 12, 16, 32]
"""Step counts of F5-TTS with a tuned schedule, and the full 32. Others (8, say) silently fall back to a worse one."""

# 8192 tokens in the cache of a 7B-class model with grouped-query attention are 0.44 (Qwen2.5) to 1.13 GiB (Qwen3).
_DEFAULT_KV_CACHE = 3 * GIB

# vLLM beside weights and KV cache: activations, CUDA context and graphs of four sizes. Measured 1.04-1.20 GiB above
# the size of the weight files (Qwen2.5-7B-AWQ 8.39 GiB in all with 2 GiB of cache, Qwen3-8B-AWQ 9.72 with 3).
VLLM_OVERHEAD_BYTES = int(1.2 * GIB)
# A cold start (compiling) held 0.9-1.05 GiB more than the server later did.
VLLM_START_EXTRA_BYTES = int(1.2 * GIB)
# Asleep it held 0.87-0.89 GiB, 0.5 of it CUDA context.
VLLM_SLEEP_BYTES = int(0.9 * GIB)
# Of the process itself; sleep level 1 adds a copy of the weights.
_VLLM_HOST_BYTES = 3 * GIB
# Weights of a model nobody knows the size of: Qwen3-8B-AWQ.
_VLLM_UNKNOWN_WEIGHTS_BYTES = int(5.7 * GIB)

# vLLM's own options that would write what people say into the log, or undo what the section promises.
_REFUSED_VLLM_OPTIONS = frozenset(
    {
        "--enable-log-requests", "--enable-log-outputs", "--uds", "--host", "--port", "--kv-cache-memory-bytes",
        "--gpu-memory-utilization", "--enable-sleep-mode", "--model", "--load-format",
    }
)  # fmt: skip


class VllmWorker(GpuWorker):
    """Chat model by vLLM, in an environment of its own (`avatar workers install vllm`)."""

    engine: Literal["vllm"]
    model: str
    """Path of a model folder (safetensors, AWQ or GPTQ), or a name in the model catalogue."""
    served_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,100}$")] | None = None
    """Name the endpoint lists; default: the name of the folder."""
    kv_cache: Size = Field(default=_DEFAULT_KV_CACHE, ge=64 * MIB)
    """Memory of the KV cache, fixed. 3 GiB hold 21,800 tokens of Qwen3-8B or 56,000 of Qwen2.5-7B."""
    max_model_len: int = Field(default=8192, ge=512, le=1_000_000)
    """Context window in tokens: prompt and answer together."""
    max_num_seqs: int = Field(default=8, ge=1, le=256)
    """Answers worked on at the same time."""
    max_num_batched_tokens: int = Field(default=1024, ge=64, le=65_536)
    """Prompt tokens read at a stretch; more delays the answers that are being spoken meanwhile."""
    capture_sizes: list[Annotated[int, Field(ge=1, le=512)]] = Field(default_factory=lambda: [1, 2, 4, 8])
    """Batch sizes with a CUDA graph; without graphs (an empty list) a single answer is seven times as slow."""
    quantization: Annotated[str, Field(pattern=r"^[a-z0-9_]{2,40}$")] = "auto"
    """auto reads it from the model's config.json."""
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = "auto"
    """Number format of what is not quantised."""
    load_format: Literal["auto", "dummy"] = "auto"
    """dummy: random weights, for benchmarks; it then needs a config.json only, and answers noise."""
    tool_call_parser: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{2,60}$")] | None = "hermes"
    """How the model writes tool calls: hermes for Qwen2.5 and Qwen3, qwen3_coder for Qwen3.5; null: no tools."""
    tools: ToolUse = "auto"
    """off: it is never offered tools, so it only talks."""
    reasoning_parser: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{2,60}$")] | None = None
    """How the model writes its thinking, e.g. qwen3; null where it does not think."""
    sleep_level: Literal[0, 1, 2] = 1
    """What sleep does with the weights: 1 moves them to RAM, 2 drops them; 0: it never sleeps, it is stopped."""
    executable: Path | None = None
    """A vllm program of your own, instead of the installed one."""
    extra_args: list[str] = Field(default_factory=list)
    """Further arguments for `vllm serve`."""
    start_timeout_s: float = Field(default=300, gt=0, le=3600)
    """Seconds a start may take; the first one compiles (up to 3 minutes), later ones find that in the cache."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "llm"

    @property
    def runs_on(self) -> tuple[DeviceKind, ...]:
        """Only GPUs."""
        return ("gpu",)

    @property
    def name_served(self) -> str:
        """The model's name at its endpoint."""
        return self.served_name or Path(self.model).name

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """Weights, KV cache and a measured overhead."""
        size = model_sizes(self.model)
        # A dummy model is a config.json without weights: its files say nothing.
        weights = size.file_bytes if size and self.load_format == "auto" else _VLLM_UNKNOWN_WEIGHTS_BYTES
        rest = weights + self.kv_cache + VLLM_OVERHEAD_BYTES
        return MemoryEstimate(
            rest_bytes=rest,
            peak_bytes=rest + VLLM_START_EXTRA_BYTES,
            start_s=60.0,  # 82-85 s measured with warm caches on a slow CPU, most of it imports
            host_bytes=_VLLM_HOST_BYTES,  # the weights asleep come on top, where and while it sleeps
            sleep_bytes=VLLM_SLEEP_BYTES if self.sleep_level else None,
        )

    @field_validator("extra_args")
    @classmethod
    def _only_what_the_section_does_not_say(cls, value: list[str]) -> list[str]:
        for argument in value:
            option = argument.split("=")[0].replace("_", "-")
            if option in _REFUSED_VLLM_OPTIONS:
                raise ValueError(f"extra_args: {option} is set by the appliance, or would log what people say")
        return value

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if any(size > self.max_num_seqs for size in self.capture_sizes):
            raise ValueError("capture_sizes: a graph for more answers than max_num_seqs is never used")
        return self


class F5TtsWorker(CloningWorker):
    """Text-to-speech by F5-TTS, fast, in a cloned voice. Its weights are CC-BY-NC-4.0: not for commercial use."""

    engine: Literal["f5-tts"]
    model: str | None = None
    """Folder with the F5TTS_v1_Base checkpoint (.safetensors or .pt), `vocos.bin` and, if not the usual, `vocab.txt`;
    or a name in the model catalogue."""
    weights: Literal["model", "random"] = "model"
    """random: made-up numbers of the true shape, for benchmarks; it speaks noise."""
    size: Literal["base", "tiny"] = "base"
    """tiny: a few hundred thousand numbers, for tests, with random weights only."""
    nfe_steps: NfeSteps = 16
    """Steps per utterance: 7 is fastest, 32 sounds best; half the steps take half the time."""
    cfg_strength: float = Field(default=2.0, ge=0, le=10)
    """How closely it follows voice and text; 0 halves the time at a clear loss."""
    cuda_graphs: bool = True
    """Replay recorded GPU work (six times as fast for a short clause); off on a CPU."""
    graph_frames: list[Annotated[int, Field(ge=64, le=4096)]] = Field(
        default_factory=lambda: [256, 384, 512, 640, 768, 1024, 1280], min_length=1
    )
    """Lengths (recording and speech together, 93.75 frames a second) recorded at start; longer ones run without."""

    @property
    def clone_languages(self) -> tuple[str, ...]:
        """Those of its training data."""
        return ("zh", "en")

    @property
    def weights_random(self) -> bool:
        """Whether the numbers are made up."""
        return self.weights == "random"

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """337 M parameters at half precision, Vocos, context, graphs: measured, whatever the files say."""
        if device == "cpu":  # single precision, no context
            base = 1.9 if self.size == "base" else 0.9
            return MemoryEstimate.on_cpu(int(base * GIB), start_s=20.0, peak_bytes=int((base + 1.4) * GIB))
        # 2,083 MiB without graphs and 2,365 with four, 0.6 GiB of it because that run halved its weights on the card
        # and 0.25 a larger CUDA context than a 24 GB card's; seven graphs on top.
        rest = 1.8 if self.cuda_graphs else 1.5
        return MemoryEstimate(
            rest_bytes=int(rest * GIB), peak_bytes=int((rest + 0.3) * GIB), start_s=20.0, host_bytes=int(2.5 * GIB)
        )

    @model_validator(mode="after")
    def _weights_are_named(self) -> Self:
        if self.weights == "model" and self.model is None:
            raise ValueError("model: name the folder with the checkpoint (or set weights: random for a benchmark)")
        if self.size == "tiny" and self.weights == "model":
            raise ValueError("size: tiny exists with weights: random only")
        return self

    @field_validator("graph_frames")
    @classmethod
    def _in_order(cls, value: list[int]) -> list[int]:
        return sorted(set(value))


class CosyVoiceWorker(CloningWorker):
    """Text-to-speech by CosyVoice 2 or 3: the best voice for Chinese, larger and slower than F5-TTS."""

    engine: Literal["cosyvoice"]
    model: str
    """Folder of the CosyVoice2 or Fun-CosyVoice3 model, or a name in the model catalogue."""
    half_precision: bool = False
    """Compute in half precision where upstream does; the weights stay as they are, so it saves no memory."""
    cuda_graphs: bool = True
    """Replay the recorded step of the language model: the first sound in half the time. Off on a CPU and with
    half_precision."""
    instruction: str = Field(default="You are a helpful assistant.", max_length=200)
    """CosyVoice 3 only: how to speak, such as `You are a helpful assistant. 請用廣東話表達。`"""

    @property
    def clone_languages(self) -> tuple[str, ...]:
        """Those that CosyVoice 2 and 3 both speak; 3 has more European ones."""
        return ("zh", "en", "ja", "ko", "yue")

    @property
    def clone_tier(self) -> CloneTier:
        """The best there is for Chinese, when there is time for it."""
        return "high-quality"

    @property
    def default_priority(self) -> int:
        """Below the fast voice: it takes the room that is left."""
        return 30

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """CosyVoice 3 by measurement, whatever the files say; CosyVoice 2 takes half a GiB less."""
        if device == "cpu":
            return MemoryEstimate.on_cpu(int(4.5 * GIB), start_s=40.0, peak_bytes=int(6.5 * GIB))
        # On an H200 4,166 MiB when ready and 4,834 after half a minute of speech at a stretch, 0.25 GiB of it a larger
        # CUDA context than a 24 GB card's; nothing more while it starts (benchmarks/results/gpu-cosyvoice-h200.json).
        return MemoryEstimate(rest_bytes=int(4.75 * GIB), peak_bytes=5 * GIB, start_s=30.0, host_bytes=int(4.25 * GIB))


GPU_WORKER_MODELS: tuple[type[Any], ...] = (VllmWorker, F5TtsWorker, CosyVoiceWorker)
