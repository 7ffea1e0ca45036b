"""Where in a recording the speaking ends: the moment every latency of a spoken turn is counted from.

The recording is looked at in frames of 10 ms, the pieces in which Home Assistant sends audio. A frame is loud when its
RMS is at most 25 dB below the loudest frame's, and above -50 dBFS whatever that is: room noise behind the last word is
not speech, and the quiet end of the last word is. The moment is the start of the last loud frame, since that is when a
client at microphone pace sends it; a microphone hands a frame over once it was spoken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.client import WavAudio

FRAME_S = 0.01
BELOW_LOUDEST_DB = 25.0
FLOOR_DBFS = -50.0


def last_loud_s(audio: WavAudio) -> float | None:
    """Return where the last loud 10 ms frame begins, in seconds from the start; None when nothing is loud."""
    frame_samples = max(1, int(audio.rate_hz * FRAME_S))
    samples = _mono(audio)
    # The last frame may be short: silence fills it, as the wire would.
    samples = np.pad(samples, (0, -len(samples) % frame_samples))
    if not len(samples):
        return None
    power = np.square(samples.reshape(-1, frame_samples)).mean(axis=1)
    threshold = max(power.max() * 10 ** (-BELOW_LOUDEST_DB / 10), 10 ** (FLOOR_DBFS / 10))
    loud = np.flatnonzero(power >= threshold)
    return float(loud[-1]) * frame_samples / audio.rate_hz if len(loud) else None


def _mono(audio: WavAudio) -> NDArray[np.float64]:
    """Return the mean of the channels, range -1..1."""
    usable = len(audio.pcm) - len(audio.pcm) % (audio.width_bytes * audio.channels)
    raw = np.frombuffer(audio.pcm[:usable], dtype=np.uint8).reshape(-1, audio.width_bytes)
    if audio.width_bytes == 1:  # WAV's 8-bit samples are unsigned
        samples = (raw[:, 0].astype(np.float64) - 128) / 128
    else:
        # Put the bytes at the top of a 32-bit word: the sign comes for free, whatever the width.
        wide = np.zeros((len(raw), 4), dtype=np.uint8)
        wide[:, 4 - audio.width_bytes :] = raw
        samples = wide.view("<i4")[:, 0] / 2**31
    return np.asarray(samples.reshape(-1, audio.channels).mean(axis=1), dtype=np.float64)
