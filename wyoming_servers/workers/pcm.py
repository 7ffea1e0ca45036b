"""An engine's samples as the wire has them."""

from __future__ import annotations

from typing import Any

import numpy as np


def pcm16(samples: Any) -> bytes:
    """Return samples of -1 to 1 (an array, or a tensor on the CPU) as signed 16-bit little-endian PCM.

    What is louder is cut off, and a NaN (a broken checkpoint) is silence: it would become a click of full volume.
    """
    whole = np.clip(np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0), -1, 1) * 32767
    return whole.astype("<i2").tobytes()
