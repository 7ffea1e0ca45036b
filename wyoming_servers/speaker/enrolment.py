"""The household's voices, embedded: one per profile and version, made when a profile comes or changes."""

from __future__ import annotations

import asyncio
import logging
import wave
from pathlib import Path

from avatar_appliance.errors import AvatarError
from avatar_appliance.leases import Urgency
from avatar_appliance.log import log_defect
from avatar_appliance.speakers.messages import MOST_AUDIO_S
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex

from .embedder import SpeakerEmbedder
from .judgement import Enrolled

_LOGGER = logging.getLogger(__name__)

LOOK_INTERVAL_S = 2.0
"""How often the index is looked at; a look costs one `stat`."""
TIMEOUT_S = 30.0
# A recording that cannot be embedded is tried again after so many looks, at first: the worker may be loading.
_LOOKS_BEFORE_RETRY = 2
_MOST_LOOKS_BEFORE_RETRY = 150

_Key = tuple[str, int]


class Enrolment:
    """Follows the voice index; embeddings live in this process's memory only, and go with their profile."""

    def __init__(self, index: VoiceIndex, embedder: SpeakerEmbedder) -> None:
        self._index = index
        self._embedder = embedder
        self._known: dict[_Key, Enrolled] = {}
        self._waits: dict[_Key, tuple[int, int]] = {}
        self._model: str | None = None
        self._looked = asyncio.Condition()

    @property
    def people(self) -> tuple[Enrolled, ...]:
        """The voices that can be recognised now."""
        return tuple(self._known.values())

    def accepts(self, model: str) -> bool:
        """Tell whether embeddings of `model` can be compared with ours; if not, ours are made anew."""
        if self._model in (None, model):
            return True
        self._known.clear()
        self._waits.clear()
        self._model = None
        return False

    async def run(self) -> None:
        """Follow the index until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - identification must never take the server with it
                log_defect(_LOGGER, "defect while enrolling voices", error)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Embed what is new in the index, forget what is gone."""
        voices = {(voice.id, voice.version): voice for voice in await asyncio.to_thread(lambda: self._index.voices)}
        for table in (self._known, self._waits):
            for key in table.keys() - voices.keys():
                del table[key]
        for key, voice in voices.items():
            if key in self._known:
                if self._known[key].name != voice.name:
                    self._known[key] = Enrolled(voice.id, voice.name, self._known[key].embedding)
            elif self._due(key):
                await self._enrol(key, voice)
        async with self._looked:
            self._looked.notify_all()

    async def wait_for(self, count: int) -> None:
        """Wait until so many voices are known."""
        async with self._looked:
            await self._looked.wait_for(lambda: len(self._known) == count)

    def _due(self, key: _Key) -> bool:
        left, length = self._waits.get(key, (0, _LOOKS_BEFORE_RETRY))
        self._waits[key] = (max(0, left - 1), length)
        return left == 0

    async def _enrol(self, key: _Key, voice: ClonedVoice) -> None:
        try:
            rate_hz, pcm = await asyncio.to_thread(_read, voice.reference)
            found = await self._embedder.embed(pcm, rate_hz, urgency=Urgency.BACKGROUND, timeout_s=TIMEOUT_S)
        except (AvatarError, OSError, EOFError, wave.Error, ValueError) as error:
            _, length = self._waits[key]
            self._waits[key] = (length, min(2 * length, _MOST_LOOKS_BEFORE_RETRY))
            code = error.code if isinstance(error, AvatarError) else type(error).__name__
            _LOGGER.info("voice %s cannot be recognised yet: %s", voice.id, code)
            return
        self.accepts(found.model)
        self._model = found.model
        self._known[key] = Enrolled(voice.id, voice.name, found.embedding)
        self._waits.pop(key, None)
        _LOGGER.info("voice %s can be recognised", voice.id)


def _read(file: Path) -> tuple[int, bytes]:
    """Return rate and audio of a reference; raises OSError, EOFError, wave.Error or ValueError."""
    with wave.open(str(file), "rb") as reader:
        if (reader.getnchannels(), reader.getsampwidth()) != (1, 2):
            raise ValueError("a reference is 16-bit mono")
        rate_hz = reader.getframerate()
        return rate_hz, reader.readframes(min(reader.getnframes(), int(MOST_AUDIO_S * rate_hz)))
