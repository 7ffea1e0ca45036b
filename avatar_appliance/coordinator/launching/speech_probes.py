"""Probes of Wyoming workers: `describe`, then a moment of silence to hear, or a syllable to speak."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from wyoming.info import Info

from avatar_appliance.client import ServerError, UnixEndpoint, WavAudio, describe, synthesize, transcribe
from avatar_appliance.errors import AvatarError, Busy, ServerFull, ShuttingDown, WorkerBusy, WorkerUnavailable

from .probe import NotYet, ProbeRefused

SILENCE = WavAudio(16_000, 2, 1, bytes(2 * 16_000 * 3 // 10))
"""0.3 s: a whole run of encoder and decoder, whatever it makes of it."""
SYLLABLE = "ok"
NO_DEADLINE_S = 86_400.0  # the start's own is shorter
_BUSY = {Busy.code, ServerFull.code, WorkerBusy.code, ShuttingDown.code}


class AsrProbe:
    """Has a speech-to-text worker listen to 0.3 s of silence."""

    def __init__(self, socket: Path) -> None:
        self._endpoint = UnixEndpoint(socket)

    async def check(self) -> None:
        """Return when it sent a transcript, an empty one most likely; raises NotYet or ProbeRefused."""
        info = await _info(self._endpoint)
        if not info.asr:
            raise ProbeRefused("it offers no speech-to-text")
        with refusals():
            await transcribe(self._endpoint, SILENCE, timeout_s=NO_DEADLINE_S)


class TtsProbe:
    """Has a text-to-speech worker speak a syllable, if it has a voice."""

    def __init__(self, socket: Path) -> None:
        self._endpoint = UnixEndpoint(socket)

    async def check(self) -> None:
        """Return when it spoke; raises NotYet or ProbeRefused."""
        info = await _info(self._endpoint)
        if not info.tts:
            raise ProbeRefused("it offers no text-to-speech")
        voices = [voice for program in info.tts for voice in program.voices if voice.installed]
        if not voices:
            return  # cloned voices come later
        with refusals():
            speech = await synthesize(
                self._endpoint, SYLLABLE, voice=voices[0].name, streaming=False, timeout_s=NO_DEADLINE_S
            )
        if not speech.audio.pcm:
            raise ProbeRefused("it spoke without a sound")


async def _info(endpoint: UnixEndpoint) -> Info:
    with refusals(begun=False):
        return await describe(endpoint, NO_DEADLINE_S)


@contextlib.contextmanager
def refusals(*, begun: bool = True) -> Iterator[None]:
    """Translate what can go wrong; a worker that hangs up in the middle of work (`begun`) has refused it."""
    try:
        yield
    except ServerError as error:
        if error.server_code in _BUSY:
            raise NotYet from None
        raise ProbeRefused(error.text) from None
    except (WorkerUnavailable, OSError):
        if begun:
            raise ProbeRefused("it hung up in the middle of its first request") from None
        raise NotYet from None
    except (AvatarError, ValueError, KeyError, TypeError) as error:  # the latter of `wyoming`, for events of no sense
        raise ProbeRefused(f"it answered with what cannot be understood ({type(error).__name__})") from None
