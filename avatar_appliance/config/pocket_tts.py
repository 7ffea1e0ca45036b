"""The worker section of Pocket TTS, which clones voices on a CPU."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from .cloning import CloningWorker
from .local_worker import DeviceKind
from .memory_estimate import MIB, MemoryEstimate, ModelSizes

PocketLanguage = Literal["english", "french", "german", "italian", "portuguese", "spanish", "dutch"]
"""The languages Pocket TTS 4.0 has a model for, by the names it gives them."""
LANGUAGE_TAGS: dict[PocketLanguage, str] = {
    "english": "en",
    "french": "fr",
    "german": "de",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
    "dutch": "nl",
}

# Measured with the true architecture and random weights (2 vCPU AMD EPYC, November 2026): docs/voice-workers.md.
_REST_BYTES = 1000 * MIB
_PEAK_BYTES = 1450 * MIB  # while it starts, the weights are there twice
_TINY_BYTES = 460 * MIB
_START_S = 12.0


class PocketTtsWorker(CloningWorker):
    """Text-to-speech by Pocket TTS on a CPU, streamed, in a cloned voice: one language per worker, no Chinese."""

    engine: Literal["pocket-tts"]
    language: PocketLanguage = "english"
    """Language of its model; it reads any text as if it were of that language."""
    model: str | None = None
    """Folder with the `model.safetensors` that can clone (kyutai/pocket-tts, languages/LANGUAGE; its licence has to be
    accepted there) and the `tokenizer.json` of the same language; or a name in the model catalogue."""
    weights: Literal["model", "random"] = "model"
    """random: made-up numbers of the true shape, for benchmarks; it speaks noise."""
    size: Literal["base", "tiny"] = "base"
    """tiny: a few hundred thousand numbers, for tests, with random weights only."""
    temperature: float = Field(default=0.3, ge=0, le=1.5)
    """How much the voice varies; upstream's listeners preferred 0.3."""

    @property
    def runs_on(self) -> tuple[DeviceKind, ...]:
        """The CPU: that is what it was made for."""
        return ("cpu",)

    @property
    def clone_languages(self) -> tuple[str, ...]:
        """The one of its model."""
        return (LANGUAGE_TAGS[self.language],)

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """100 M parameters in single precision, torch, and the voices' states: measured, whatever the files say."""
        if self.size == "tiny":
            return MemoryEstimate.on_cpu(_TINY_BYTES, start_s=_START_S)
        return MemoryEstimate.on_cpu(_REST_BYTES, start_s=_START_S, peak_bytes=_PEAK_BYTES)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.weights == "model" and self.model is None:
            raise ValueError("model: name the folder with the checkpoint (or set weights: random for a benchmark)")
        if self.size == "tiny" and self.weights == "model":
            raise ValueError("size: tiny exists with weights: random only")
        if self.device not in ("auto", "cpu"):
            raise ValueError("device: Pocket TTS runs on the CPU, where it is as fast as on a GPU")
        for voice in self.voices:
            if voice.language.replace("_", "-").lower().split("-")[0] not in self.clone_languages:
                raise ValueError(
                    f"voice {voice.name}: its language is {voice.language}, and this model reads {self.language} only"
                )
        if self.speed != 1.0:
            raise ValueError("speed: Pocket TTS speaks as fast as the recording; there is nothing to set")
        return self
