"""PCM in, PCM out: formats, resampling, WAV."""

from __future__ import annotations

from .resampler import PcmConverter
from .wav import wav_bytes

__all__ = ["PcmConverter", "wav_bytes"]
