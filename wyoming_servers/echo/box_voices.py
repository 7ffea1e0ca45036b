"""How the box itself sounds: its built-in voices, embedded from what it says, once each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final

from avatar_appliance.config import Settings
from avatar_appliance.config.cloning import CloningWorker
from avatar_appliance.errors import AvatarError
from avatar_appliance.leases import Urgency
from avatar_appliance.log import log_defect
from avatar_appliance.speakers.messages import SpeechEmbedded
from avatar_appliance.speech.said import VoiceVector
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink
from wyoming_servers.speaker.embedder import SpeakerEmbedder
from wyoming_servers.tts.voice import Voice

_LOGGER = logging.getLogger(__name__)

SAMPLE_S: Final = 6.0
"""Sound of a voice that is embedded; more says little more."""
MOST_SAMPLES: Final = 4
"""Voices that are listened to at the same time, which bounds the memory: 300 kB each at 24 kHz."""
MOST_KNOWN: Final = 32
TIMEOUT_S: Final = 30.0
_WIDTH_BYTES: Final = 2
# Four digits of each number are more than a voice keeps from one sentence to the next.
_DIGITS: Final = 4

Identity = tuple[str, str, str | None]


class BoxVoices:
    """None is known: where no speaker worker is configured."""

    @property
    def known(self) -> Mapping[Identity, VoiceVector]:
        """What voices sound like, by their identity."""
        return {}

    def hear(self, voice: Voice, pcm: bytes, rate_hz: int) -> None:
        """Take sound of a voice, 16-bit mono, as it leaves."""

    def forget(self) -> None:
        """Say that any voice may sound otherwise from now on."""


class LearntVoices(BoxVoices):
    """Collects some seconds of each voice and has them embedded when nobody waits for anything.

    A voice that a worker cloned sounds like a person, who must not be taken for the box: none is learnt.
    """

    def __init__(self, embedder: SpeakerEmbedder, cloning_workers: Collection[str]) -> None:
        self._embedder = embedder
        self._cloning_workers = frozenset(cloning_workers)
        self._known: OrderedDict[Identity, VoiceVector] = OrderedDict()
        self._samples: OrderedDict[Identity, bytearray] = OrderedDict()
        self._waiting: OrderedDict[Identity, tuple[bytes, int]] = OrderedDict()
        self._changed = asyncio.Condition()
        self._arrived = asyncio.Event()

    @property
    def known(self) -> Mapping[Identity, VoiceVector]:
        """What voices sound like, by their identity."""
        return self._known

    def hear(self, voice: Voice, pcm: bytes, rate_hz: int) -> None:
        """Take sound of a voice; of one that is known, or is a person's, nothing."""
        identity = voice.identity
        if voice.profile is not None or voice.passing or voice.worker in self._cloning_workers:
            return
        if identity in self._known or identity in self._waiting:
            return
        sample = self._samples.setdefault(identity, bytearray())
        self._samples.move_to_end(identity)
        wanted_bytes = int(SAMPLE_S * rate_hz) * _WIDTH_BYTES
        sample += pcm[: wanted_bytes - len(sample)]
        if len(sample) >= wanted_bytes:
            del self._samples[identity]
            self._waiting[identity] = bytes(sample), rate_hz
            self._arrived.set()
        for table in (self._samples, self._waiting):
            while len(table) > MOST_SAMPLES:
                table.popitem(last=False)

    def forget(self) -> None:
        """Learn all voices anew."""
        self._known.clear()
        self._samples.clear()
        self._waiting.clear()

    async def run(self) -> None:
        """Embed samples as they come, until cancelled."""
        while True:
            while self._waiting:
                identity, (pcm, rate_hz) = next(iter(self._waiting.items()))
                found = await self._embed(identity, pcm, rate_hz)
                # It may have been forgotten meanwhile. Without an embedding the next sample is tried.
                if self._waiting.pop(identity, None) is not None and found is not None:
                    self._take(identity, found)
                async with self._changed:
                    self._changed.notify_all()
            self._arrived.clear()
            await self._arrived.wait()

    async def wait_for(self, count: int) -> None:
        """Wait until so many voices are known."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._known) == count)

    async def _embed(self, identity: Identity, pcm: bytes, rate_hz: int) -> SpeechEmbedded | None:
        try:
            return await self._embedder.embed(pcm, rate_hz, urgency=Urgency.BACKGROUND, timeout_s=TIMEOUT_S)
        except AvatarError as error:
            _LOGGER.debug("the box's voice %s on %s cannot be learnt now: %s", identity[1], identity[0], error.code)
        except Exception as error:  # noqa: BLE001 - the guard must never take the server with it
            log_defect(_LOGGER, "defect while learning a voice of the box", error)
        return None

    def _take(self, identity: Identity, found: SpeechEmbedded) -> None:
        vector = tuple(round(value, _DIGITS) for value in found.embedding.values)
        self._known[identity] = VoiceVector(vector=vector, model=found.model)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        _LOGGER.info("the box knows its voice %s on %s", identity[1], identity[0])


def cloning_workers(settings: Settings) -> frozenset[str]:
    """Return the workers whose voices are people's."""
    return frozenset(name for name in settings.tts.workers if isinstance(settings.workers[name], CloningWorker))


@contextlib.asynccontextmanager
async def learning_voices(
    links: Sequence[WyomingWorkerLink], access: WorkerAccess, cloning_workers: Collection[str]
) -> AsyncIterator[BoxVoices]:
    """Give what learns the box's voices while the block runs; `links` are the speaker workers, best first."""
    if not links:
        yield BoxVoices()
        return
    alone = access.for_itself()
    voices = LearntVoices(SpeakerEmbedder(links, alone), cloning_workers)
    learning = asyncio.create_task(voices.run(), name="box voices")
    try:
        yield voices
    finally:
        learning.cancel()
        await asyncio.gather(learning, return_exceptions=True)
        await alone.aclose()
