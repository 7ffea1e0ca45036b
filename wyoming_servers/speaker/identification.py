"""Who speaks in one utterance, found out while it is transcribed.

The transcript never waits for it: `judgement` tells what is known by now.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from avatar_appliance.config.speaker import SpeakerSettings
from avatar_appliance.errors import AvatarError, SpeechTooShort
from avatar_appliance.leases import Urgency
from avatar_appliance.log import log_defect

from .embedder import SpeakerEmbedder
from .enrolment import Enrolment
from .judgement import Judgement, judge

_LOGGER = logging.getLogger(__name__)

RATE_HZ = 16_000
# Of a long utterance the end: the person who addressed the box, not what was on television before.
MOST_AUDIO_BYTES = 12 * RATE_HZ * 2
TIMEOUT_S = 3.0


class Identification:
    """Of one utterance by nobody in particular: where no speaker worker is configured, or no voice is known."""

    def start(self, pcm: bytes | bytearray, *, anyway: bool = False) -> None:
        """Say that this may be all of the utterance, as 16 kHz 16-bit mono audio; a second time changes nothing.

        `anyway`: the voice is wanted also where nobody is known whose it could be.
        """

    def drop(self) -> None:
        """Say that speech went on: what was found out is of a part only, and counts where there is nothing better."""

    @property
    def judgement(self) -> Judgement:
        """What is known by now; does not wait."""
        return Judgement()

    async def wait(self, timeout_s: float) -> None:
        """Wait until it is known, for so long at most."""

    async def aclose(self) -> None:
        """Stop finding out."""


class WorkerIdentification(Identification):
    """Asks a speaker worker, beside everything else."""

    def __init__(self, settings: SpeakerSettings, embedder: SpeakerEmbedder, enrolment: Enrolment) -> None:
        self._settings = settings
        self._embedder = embedder
        self._enrolment = enrolment
        self._asking: asyncio.Task[Judgement] | None = None
        self._dropped: list[asyncio.Task[Judgement]] = []
        self._of_a_part = Judgement(reason="late")

    def start(self, pcm: bytes | bytearray, *, anyway: bool = False) -> None:
        """Ask about the end of `pcm`; while no voice is enrolled only where it is wanted `anyway`."""
        if self._asking is None and (anyway or self._enrolment.people):
            self._asking = asyncio.create_task(self._ask(bytes(pcm[-MOST_AUDIO_BYTES:])), name="identify")

    def drop(self) -> None:
        """Hang up on the worker, unless it has answered."""
        if self._asking is not None:
            if self._asking.done() and not self._asking.cancelled() and self._asking.result().profile is not None:
                self._of_a_part = self._asking.result()
            self._asking.cancel()
            self._dropped.append(self._asking)
            self._asking = None

    @property
    def judgement(self) -> Judgement:
        """What the worker's answer says, or why there is none."""
        if self._asking is None:
            return Judgement()
        return self._asking.result() if self._asking.done() else self._of_a_part

    async def wait(self, timeout_s: float) -> None:
        """Wait for the worker's answer."""
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=timeout_s)

    async def aclose(self) -> None:
        """Hang up on the worker, whatever it does."""
        self.drop()
        await asyncio.gather(*self._dropped, return_exceptions=True)

    async def _ask(self, pcm: bytes) -> Judgement:
        settings = self._settings
        try:
            found = await self._embedder.embed(pcm, RATE_HZ, urgency=Urgency.FINAL, timeout_s=TIMEOUT_S)
        except SpeechTooShort:
            return Judgement(reason="too-short")
        except AvatarError as error:
            _LOGGER.debug("the speaker cannot be identified: %s", error.code)
            return Judgement(reason="unavailable")
        except Exception as error:  # noqa: BLE001 - it is no reason to lose a transcript
            log_defect(_LOGGER, "defect while identifying a speaker", error)
            return Judgement(reason="unavailable")
        if found.speech_s < settings.min_speech_s:
            return Judgement(reason="too-short")
        if not self._enrolment.accepts(found.model):
            return Judgement(reason="unavailable")
        people = self._enrolment.people
        judgement = judge(found.embedding, people, threshold=settings.threshold, margin=settings.margin)
        return replace(judgement, voice=found)
