"""Join pieces of PCM from different voices without a click."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FADE_S: Final = 0.01


class CrossFader:
    """Holds back the last 10 ms of signed 16-bit mono PCM, to fade them into whatever comes next.

    Without a join all comes out as it went in.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._fade = int(rate_hz * FADE_S)
        self._tail = b""
        self._head = b""
        self._joining = False

    def feed(self, pcm: bytes) -> bytes:
        """Return what may be heard by now."""
        if self._joining:
            self._head += pcm
            if len(self._head) < len(self._tail):
                return b""
            pcm = self._joined()
        pcm = self._tail + pcm
        kept = min(len(pcm), 2 * self._fade)
        self._tail = pcm[len(pcm) - kept :]
        return pcm[: len(pcm) - kept]

    def join(self) -> None:
        """Say that what comes next is another voice's."""
        if self._joining:  # the one before said nothing
            self._tail, self._head = self._joined(), b""
        self._joining = bool(self._tail)

    def break_off(self, silence_s: float) -> bytes:
        """End in the middle of a word, fading out; return that and a silence, into which the next may be joined."""
        tail = self.flush()
        faded = bytes(_scaled(tail, np.linspace(1, 0, len(tail) // 2)).astype("<i2"))
        self._tail = bytes(2 * self._fade)
        self._joining = True
        return faded + bytes(max(0, 2 * int(self._rate_hz * silence_s) - len(self._tail)))

    def flush(self) -> bytes:
        """Return what is held back; the next piece follows it as it is."""
        rest = self._joined() if self._joining else self._tail
        self._tail = b""
        return rest

    def _joined(self) -> bytes:
        """Fade the tail out and the head in: of equal power, since two voices have nothing in common."""
        tail, head = self._tail, self._head
        self._tail, self._head, self._joining = b"", b"", False
        overlap = min(len(tail), len(head))
        if not overlap:
            return tail + head
        angle = np.linspace(0, np.pi / 2, overlap // 2)
        mixed = _scaled(tail[len(tail) - overlap :], np.cos(angle)) + _scaled(head[:overlap], np.sin(angle))
        return tail[: len(tail) - overlap] + bytes(np.clip(mixed, -32768, 32767).astype("<i2")) + head[overlap:]


def _scaled(pcm: bytes, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.rint(np.frombuffer(pcm, dtype="<i2") * factors), dtype=np.float64)
