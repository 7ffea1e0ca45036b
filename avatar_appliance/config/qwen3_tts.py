"""The worker section of Qwen3-TTS, which clones voices in ten languages and streams."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from .cloning import CloneTier, CloningWorker
from .memory_estimate import GIB, MemoryEstimate, ModelSizes

Qwen3Size = Literal["0.6b", "1.7b", "tiny"]

QWEN3_LANGUAGES = ("zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it")
"""Languages (bare BCP 47 tags) of the Base models."""

# The files of the 0.6B model take 2.5 GB, those of the 1.7B one 4.5.
_LARGE_FILES_BYTES = int(3.5 * GIB)


class Qwen3TtsWorker(CloningWorker):
    """Text-to-speech by Qwen3-TTS, streamed, in a cloned voice and ten languages. Its weights are Apache-2.0."""

    engine: Literal["qwen3-tts"]
    model: str | None = None
    """Folder of Qwen3-TTS-12Hz-0.6B-Base or Qwen3-TTS-12Hz-1.7B-Base, with its folder `speech_tokenizer`. The
    CustomVoice and VoiceDesign models cannot clone."""
    weights: Literal["model", "random"] = "model"
    """random: made-up numbers of the true shape, for benchmarks; it speaks noise."""
    size: Qwen3Size = "0.6b"
    """Which model `weights: random` makes up; tiny: a few million numbers, for tests."""
    tier: CloneTier = "fast"
    """Where the voice list has its voices: fast beside or instead of F5-TTS, high-quality (for the 1.7B model, say)
    as the studio voices."""
    temperature: float = Field(default=0.9, gt=0, le=2)
    """How much the voice varies; 0.9 is upstream's."""
    chunk_steps: int = Field(default=4, ge=1, le=50)
    """Steps (of 80 ms of speech) per piece of sound: fewer are heard earlier and cost more work for the rest."""
    cuda_graphs: bool = True
    """Replay recorded GPU work, without which it speaks slower than people do; off on a CPU."""

    @property
    def clone_languages(self) -> tuple[str, ...]:
        """Those of the Base models."""
        return QWEN3_LANGUAGES

    @property
    def clone_tier(self) -> CloneTier:
        """What `tier` says."""
        return self.tier

    @property
    def default_priority(self) -> int:
        """That of its tier."""
        return 30 if self.tier == "high-quality" else super().default_priority

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """The numbers in half precision, the codec, attention caches, context and graphs: measured."""
        size = self._size(model_sizes)
        if device == "cpu":  # single precision, no context
            rest = {"tiny": 0.9, "0.6b": 5.5, "1.7b": 10.0}[size]
            return MemoryEstimate.on_cpu(int(rest * GIB), start_s=40.0, peak_bytes=int(rest * 1.2 * GIB))
        # 3,804 and 5,760 MiB after recordings of 15 s (H200, whose context is a quarter of a GiB larger than that of a
        # 24 GB card), and no more than that while they started.
        rest = {"tiny": 1.2, "0.6b": 3.8, "1.7b": 5.7}[size]
        return MemoryEstimate(
            rest_bytes=int(rest * GIB), peak_bytes=int(rest * GIB), start_s=25.0, host_bytes=int(2.5 * GIB)
        )

    def _size(self, model_sizes: ModelSizes) -> Qwen3Size:
        if self.weights == "random" or self.model is None:
            return self.size
        files = model_sizes(self.model)
        return "1.7b" if files is not None and files.file_bytes > _LARGE_FILES_BYTES else "0.6b"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.weights == "model" and self.model is None:
            raise ValueError("model: name the folder with the checkpoint (or set weights: random for a benchmark)")
        if self.weights == "model" and self.size == "tiny":
            raise ValueError("size: tiny exists with weights: random only")
        if self.speed != 1.0:
            raise ValueError("speed: Qwen3-TTS speaks as fast as the recording; there is nothing to set")
        for voice in self.voices:
            if voice.language.replace("_", "-").lower().split("-")[0] not in QWEN3_LANGUAGES:
                raise ValueError(f"voice {voice.name}: Qwen3-TTS does not speak {voice.language}")
        return self
