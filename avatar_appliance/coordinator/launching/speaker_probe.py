"""Probe of a speaker worker: a second of a tone to embed."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

from avatar_appliance.client import UnixEndpoint, WavAudio, embed_speaker

from .speech_probes import NO_DEADLINE_S, refusals

_RATE_HZ = 16_000
_PITCH_HZ = 180.0
_LEVEL = 6000


def _tone() -> WavAudio:
    samples = (int(_LEVEL * math.sin(2 * math.pi * _PITCH_HZ * i / _RATE_HZ)) for i in range(_RATE_HZ))
    return WavAudio(_RATE_HZ, 2, 1, array("h", samples).tobytes())


class SpeakerProbe:
    """Has a speaker worker embed a second of a tone: silence would have no voice."""

    def __init__(self, socket: Path) -> None:
        self._endpoint = UnixEndpoint(socket)

    async def check(self) -> None:
        """Return when it sent an embedding; raises NotYet or ProbeRefused."""
        with refusals(begun=False):
            async with self._endpoint.connect():
                pass
        with refusals():
            await embed_speaker(self._endpoint, _tone(), timeout_s=NO_DEADLINE_S)
