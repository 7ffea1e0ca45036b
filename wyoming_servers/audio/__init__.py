"""PCM in, PCM out: formats, resampling, loudness, joins, WAV."""

from __future__ import annotations

from .cross_fader import CrossFader
from .limiter import Limiter
from .loudness import LoudnessMeter
from .resampler import PcmConverter
from .wav import wav_bytes

__all__ = ["CrossFader", "Limiter", "LoudnessMeter", "PcmConverter", "wav_bytes"]
