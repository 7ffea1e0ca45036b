"""A stand-in for faster_qwen3_tts, qwen_tts, transformers, torch and soundfile, as far as the Qwen3-TTS worker goes.

`make test-qwen` compares names and parameters with the true ones. A step sounds for 1920 samples (24 kHz, 12.5 steps a
second) whose value is the step's number in thousandths, so that a test can hear each step once.
"""

from __future__ import annotations

import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

SAMPLES_PER_STEP = 1920
LANGUAGES = ["auto", "chinese", "english", "japanese", "korean", "german", "french", "russian", "spanish", "italian"]
"""Of the fake model: one fewer than the worker knows."""


class FakePredictorGraph:
    """`PredictorGraph`."""

    def __init__(
        self, code_predictor: Any, pred_config: Any, talker_hidden_size: int, device: str = "cuda", dtype: Any = None,
        do_sample: bool = True, top_k: int = 50, top_p: float = 1.0, temperature: float = 0.9,
    ) -> None:  # fmt: skip
        self.device, self.dtype, self.temperature = device, dtype, temperature
        self.graph: Any = None

    def _init_cache_layers(self) -> None: ...

    def _build_attention_masks(self) -> None: ...

    def _full_loop(self) -> None: ...

    def capture(self, num_warmup: int = 3) -> None:
        print("Capturing CUDA graph for predictor...")
        self.graph = SimpleNamespace(replay=self._full_loop)

    def run(self, pred_input: Any) -> Any:
        self.graph.replay()
        return pred_input


class FakeTalkerGraph:
    """`TalkerGraph`."""

    def __init__(
        self, talker_model: Any, talker_config: Any, device: str = "cuda", dtype: Any = None, max_seq_len: int = 512
    ) -> None:
        self.device, self.max_seq_len = device, max_seq_len
        self.graph: Any = None

    def _init_cache_layers(self) -> None: ...

    def _build_attention_masks(self, attention_mask: Any = None) -> None: ...

    def _decode_step(self) -> None: ...

    def capture(self, prefill_len: int = 100, num_warmup: int = 3) -> None:
        print("Capturing CUDA graph for talker decode...")
        self.graph = SimpleNamespace(replay=self._decode_step)


class FakeFasterQwen3TTS:
    """`FasterQwen3TTS`."""

    made: list[FakeFasterQwen3TTS]

    def __init__(
        self, base_model: Any, predictor_graph: Any, talker_graph: Any, device: str = "cuda", dtype: Any = None,
        max_seq_len: int = 2048,
    ) -> None:  # fmt: skip
        self.base_model, self.predictor_graph, self.talker_graph = base_model, predictor_graph, talker_graph
        self.device = device
        self.calls: list[dict[str, Any]] = []
        self.steps: Callable[[str], Iterator[int]] = lambda text: iter(range(10 * len(text)))
        """The steps of a text: by default ten for each character."""
        self.made.append(self)

    def warmup(self, prefill_len: int = 100) -> None:
        self.predictor_graph.capture(num_warmup=3)
        self.talker_graph.capture(prefill_len=prefill_len, num_warmup=3)

    def generate_voice_clone_streaming(
        self, text: str, language: str, ref_text: str = "", max_new_tokens: int = 2048, temperature: float = 0.9,
        chunk_size: int = 12, voice_clone_prompt: Any = None,
    ) -> Iterator[tuple[np.ndarray, int, dict[str, Any]]]:  # fmt: skip
        self.calls.append(
            {"text": text, "language": language, "ref_text": ref_text, "prompt": voice_clone_prompt,
             "max_new_tokens": max_new_tokens, "temperature": temperature}
        )  # fmt: skip
        chunk: list[int] = []
        total = 0
        for step in self.steps(text):
            if total == max_new_tokens:
                break
            self.predictor_graph.run(step)
            chunk.append(step)
            total += 1
            if len(chunk) == chunk_size:
                yield self._sound(chunk), 24_000, {"total_steps_so_far": total}
                chunk = []
        if chunk:
            yield self._sound(chunk), 24_000, {"total_steps_so_far": total}

    def _sound(self, steps: list[int]) -> np.ndarray:
        return np.repeat(np.asarray(steps, dtype=np.float32) / 1000, SAMPLES_PER_STEP)


class FakeBase:
    """`Qwen3TTSModel`."""

    loaded: list[tuple[str, dict[str, Any]]]

    def __init__(self) -> None:
        config = SimpleNamespace(talker_config=SimpleNamespace(hidden_size=8))
        predictor = SimpleNamespace(model=SimpleNamespace(config=None))
        talker = SimpleNamespace(code_predictor=predictor, model=None)
        self.model = SimpleNamespace(
            config=config, talker=talker, get_supported_languages=lambda: LANGUAGES, eval=lambda: None
        )
        self.heard: list[tuple[np.ndarray, int, str]] = []

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str, **kwargs: Any) -> FakeBase:
        if (Path(pretrained_model_name_or_path) / "broken").exists():
            raise KeyError("a tensor")
        cls.loaded.append((pretrained_model_name_or_path, kwargs))
        return cls()

    def create_voice_clone_prompt(self, ref_audio: Any, ref_text: Any = None, x_vector_only_mode: bool = False) -> Any:
        sound, rate_hz = ref_audio
        self.heard.append((sound, rate_hz, ref_text))
        return [f"codes of {ref_text}"]


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-ins where the worker imports from, with nothing loaded or made yet."""

    def module(name: str, **members: Any) -> None:
        found = ModuleType(name)
        vars(found).update(members)
        monkeypatch.setitem(sys.modules, name, found)

    FakeFasterQwen3TTS.made, FakeBase.loaded = [], []
    cuda = SimpleNamespace(is_available=lambda: False, synchronize=None)
    module("torch", float32="float32", bfloat16="bfloat16", cuda=cuda, manual_seed=np.random.seed)
    module("transformers", logging=SimpleNamespace(set_verbosity_error=lambda: None))
    module("faster_qwen3_tts", FasterQwen3TTS=FakeFasterQwen3TTS)
    module("faster_qwen3_tts.predictor_graph", PredictorGraph=FakePredictorGraph)
    module("faster_qwen3_tts.talker_graph", TalkerGraph=FakeTalkerGraph)
    module("qwen_tts", Qwen3TTSModel=FakeBase)
    module("soundfile", read=_read)


def _read(file: Path, dtype: str, always_2d: bool) -> tuple[np.ndarray, int]:
    with wave.open(str(file), "rb") as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        return (samples / 32768).astype(dtype)[:, None], sound.getframerate()
