"""The classes of the packages faster_qwen3_tts and qwen_tts, without what only the 25 Hz models need."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# `qwen_tts` imports the codec of the 25 Hz models, which imports these (0.1.1.post1). None of them is used.
_UNUSED = ("sox", "onnxruntime", "torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi")


@dataclass(frozen=True, slots=True)
class Qwen3Package:
    """What is used of faster_qwen3_tts, qwen_tts, transformers and torch."""

    torch: Any
    FasterQwen3TTS: Any
    PredictorGraph: Any
    TalkerGraph: Any
    Qwen3TTSModel: Any


def import_qwen3() -> Qwen3Package:
    """Import the packages; raises ImportError where they, or what they need, are not installed. Takes 10 to 20 s."""
    import torch
    import transformers

    with quiet(), _stand_ins():
        from faster_qwen3_tts import FasterQwen3TTS
        from faster_qwen3_tts.predictor_graph import PredictorGraph
        from faster_qwen3_tts.talker_graph import TalkerGraph
        from qwen_tts import Qwen3TTSModel
    transformers.logging.set_verbosity_error()
    for name in ("faster_qwen3_tts", "qwen_tts"):  # the time and length of each text, at INFO
        logging.getLogger(name).setLevel(logging.ERROR)
    return Qwen3Package(torch, FasterQwen3TTS, PredictorGraph, TalkerGraph, Qwen3TTSModel)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the packages from printing: an advertisement of flash-attn, and each graph they record."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Let the imports of the other codec succeed; what we put there is gone afterwards."""
    ours: dict[str, ModuleType] = {}
    for name in _UNUSED:
        if name not in sys.modules:
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)  # or transformers' look for it fails
            sys.modules[name] = ours[name] = module
    for name, module in ours.items():
        parent, _, child = name.rpartition(".")
        if parent in ours:
            setattr(ours[parent], child, module)
    try:
        yield
    finally:
        for name, module in ours.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
