"""The classes of CosyVoice's source tree (commit ace7c47), with what it gets wrong for us put right."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from avatar_appliance.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CosyPackage:
    """What is used of it."""

    torch: Any
    AutoModel: Any


def import_cosyvoice() -> CosyPackage:
    """Import cosyvoice; raises ImportError where it, or what it needs, is not installed. Takes 5 to 15 s."""
    import torch

    # Its autocast is spelled in a way that torch complains of at each call.
    warnings.filterwarnings("ignore", message=r".*torch\.cuda\.amp\.autocast.*", category=FutureWarning)
    # It wants ONNX Runtime to read recordings on the GPU, which the package for CPUs cannot: 0.5 s, once a voice.
    warnings.filterwarnings("ignore", message="Specified provider 'CUDAExecutionProvider' is not in available")
    _stay_offline()
    from cosyvoice.cli import cosyvoice as package
    from cosyvoice.cli import frontend

    # Its own reader asks torchaudio for a backend that torchaudio has no longer.
    frontend.load_wav = _reader(torch)
    return CosyPackage(torch, package.AutoModel)


def _stay_offline() -> None:
    """Keep it from fetching models and text rules at load: models are ours to fetch, texts come normalised."""
    if "modelscope" not in sys.modules:
        modelscope = ModuleType("modelscope")

        def snapshot_download(name: str, **_: Any) -> str:
            raise ConfigError(f"{name} is no model folder of CosyVoice 2 or 3")

        modelscope.snapshot_download = snapshot_download  # type: ignore[attr-defined]
        sys.modules["modelscope"] = modelscope
    sys.modules.setdefault("wetext", None)  # type: ignore[arg-type]  # "not installed", which it takes calmly


def _reader(torch: Any) -> Callable[..., Any]:
    def load_wav(file: str, target_sr: int, min_sr: int = 16_000) -> Any:
        """Return the recording as a tensor of shape (1, samples) at `target_sr`."""
        import soundfile
        import soxr

        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        if rate_hz < min_sr:
            raise ConfigError(f"{file} has {rate_hz} samples per second; a voice needs {min_sr} or more")
        mono = samples.mean(axis=1)
        if rate_hz != target_sr:
            mono = soxr.resample(mono, rate_hz, target_sr)
        return torch.from_numpy(np.ascontiguousarray(mono, dtype=np.float32))[None]

    return load_wav
