"""Convert a PCM stream of any shape to signed 16-bit mono of one rate, by soxr (the SoX resampler)."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from avatar_appliance.errors import BadRequest

RATES_HZ = range(4_000, 384_001)
WIDTHS_BYTES = (1, 2, 3, 4)
CHANNELS = range(1, 9)


class PcmConverter:
    """Stateful: feed chunks in order, then `flush` once."""

    def __init__(self, rate_in_hz: int, width_bytes: int, channels: int, rate_out_hz: int) -> None:
        """Raises BadRequest for a shape that no microphone or engine has."""
        if rate_in_hz not in RATES_HZ or width_bytes not in WIDTHS_BYTES or channels not in CHANNELS:
            raise BadRequest(f"audio of {rate_in_hz} Hz, {width_bytes} bytes, {channels} channels cannot be used")
        self.shape = (rate_in_hz, width_bytes, channels)
        self._frame_bytes = width_bytes * channels
        self._width_bytes = width_bytes
        self._channels = channels
        self._rest = b""
        self._plain = width_bytes == 2 and channels == 1 and rate_in_hz == rate_out_hz
        self._stream = (
            None
            if rate_in_hz == rate_out_hz
            else soxr.ResampleStream(rate_in_hz, rate_out_hz, 1, dtype="float32", quality="HQ")
        )

    def convert(self, pcm: bytes) -> bytes:
        """Return the converted samples that are ready; a broken frame waits for its rest."""
        pcm = self._rest + pcm
        usable = len(pcm) - len(pcm) % self._frame_bytes
        self._rest = pcm[usable:]
        pcm = pcm[:usable]
        if self._plain or not pcm:
            return pcm
        return self._resample(self._mono(pcm), last=False)

    def flush(self) -> bytes:
        """Return what the resampler still holds."""
        if self._stream is None:
            return b""
        return self._resample(np.zeros(0, dtype=np.float32), last=True)

    def _mono(self, pcm: bytes) -> NDArray[np.float32]:
        samples = _float(pcm, self._width_bytes)
        return samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32) if self._channels > 1 else samples

    def _resample(self, samples: NDArray[np.float32], *, last: bool) -> bytes:
        if self._stream is not None:
            samples = self._stream.resample_chunk(samples, last=last)
        # Resampling overshoots at full scale: clip instead of wrapping around into a loud click.
        return bytes(np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2"))


def _float(pcm: bytes, width_bytes: int) -> NDArray[np.float32]:
    match width_bytes:
        case 1:  # WAV's 8-bit samples are unsigned
            return (np.frombuffer(pcm, dtype=np.uint8).astype(np.float32) - 128.0) / 128.0
        case 2:
            return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        case 3:
            raw = np.frombuffer(pcm, dtype=np.uint8).reshape(-1, 3)
            wide = np.zeros((len(raw), 4), dtype=np.uint8)
            wide[:, 1:] = raw  # the low byte stays empty: the value is scaled by 256, the sign comes for free
            return wide.view("<i4").reshape(-1).astype(np.float32) / 2147483648.0
        case _:
            return np.frombuffer(pcm, dtype="<i4").astype(np.float32) / 2147483648.0
