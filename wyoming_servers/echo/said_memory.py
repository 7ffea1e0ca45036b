"""What the box said lately: a few texts in memory, each for as long as somebody may still hear it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from avatar_appliance.config.echo_guard import EchoGuardSettings
from avatar_appliance.speech.said import MOST_SAID, MOST_SAID_CHARS, MOST_VOICES, Said, SaidLately, VoiceVector
from wyoming_servers.tts.voice import Voice

from .box_voices import BoxVoices, Identity
from .saying import Saying

MOST_SAYINGS: Final = 8
"""Texts that are remembered at the same time; the earliest goes first."""
# However long a person speaks, what was said before is asked about when they have finished.
_KEPT_S: Final = 60.0


class SaidMemory:
    """The texts that were sent as sound, and the voices they were spoken in."""

    def __init__(
        self,
        settings: EchoGuardSettings,
        voices: BoxVoices | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`voices` are those of the box that are known by their sound; default: none."""
        self._enabled = settings.enabled
        self._after_s = settings.after_s
        self._voices = voices or BoxVoices()
        self._clock = clock
        self._sayings: deque[Saying] = deque(maxlen=MOST_SAYINGS)

    def begin(self, *, played: bool, satellite_id: str | None = None, device_id: str | None = None) -> Saying:
        """Return what takes the pieces of one text; nothing is remembered of what nobody plays."""
        saying = Saying(self._clock, satellite_id, device_id)
        if played and self._enabled:
            self._forget_old()
            self._sayings.append(saying)
        return saying

    def hear(self, voice: Voice | None, pcm: bytes, rate_hz: int) -> None:
        """Take sound that a voice made: some seconds of it say what it sounds like."""
        if voice is not None and self._enabled:
            self._voices.hear(voice, pcm, rate_hz)

    def forget_voices(self) -> None:
        """Say that a voice of the same name may sound otherwise from now on."""
        self._voices.forget()

    def lately(self, listened_s: float) -> SaidLately:
        """Return what a microphone may have heard that has been listening for so long."""
        self._forget_old()
        now_s = self._clock()
        from_s = now_s - listened_s
        heard = [one for one in reversed(self._sayings) if one.may_be_heard_between(from_s, now_s, self._after_s)]
        known = self._voices.known
        return SaidLately(said=tuple(_said(one, from_s, now_s, known) for one in heard[:MOST_SAID]))

    def _forget_old(self) -> None:
        oldest_s = self._clock() - self._after_s - _KEPT_S
        kept = [one for one in self._sayings if not one.is_over(oldest_s)]
        self._sayings = deque(kept, maxlen=MOST_SAYINGS)


def _said(saying: Saying, from_s: float, until_s: float, known: Mapping[Identity, VoiceVector]) -> Said:
    voices = saying.voices
    profiles = {voice.profile for voice in voices.values()} - {None}
    vectors = tuple(known[identity] for identity in voices if identity in known)
    all_known = len(vectors) == len(voices) <= MOST_VOICES
    return Said(
        text=saying.text_between(from_s, until_s, MOST_SAID_CHARS),
        playing=saying.is_playing_between(from_s, until_s),
        profile=next(iter(profiles)) if len(profiles) == 1 else None,
        anybodys=len(profiles) > 1 or any(voice.passing for voice in voices.values()),
        voices=vectors if all_known else (),
        satellite_id=saying.satellite_id,
        device_id=saying.device_id,
    )
