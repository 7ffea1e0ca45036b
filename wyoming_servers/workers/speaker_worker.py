"""The face of a speaker engine: audio in, embedding out (avatar_appliance/speakers/messages.py has the protocol)."""

from __future__ import annotations

import numpy as np
from wyoming.info import Info

from avatar_appliance.config.settings import LimitsSettings
from avatar_appliance.speakers import EmbedSpeech, SpeechEmbedded
from avatar_appliance.speakers.messages import EMBED_EVENT
from wyoming_servers.audio import PcmConverter
from wyoming_servers.base import Handler, Request

from .engine import EngineThread, SpeakerEncoder
from .faults import raise_scripted_fault

RATE_HZ = 16_000


class SpeakerWorkerHandler(Handler):
    """Runs the engine over one piece of audio at a time."""

    def __init__(self, engine: SpeakerEncoder, thread: EngineThread, limits: LimitsSettings) -> None:
        self._engine = engine
        self._thread = thread
        self._limits = limits

    def info(self) -> Info:
        """Return an empty offer: Wyoming has no word for this, and Home Assistant never sees it."""
        return Info()

    def begins_request(self, event_type: str) -> bool:
        """Only our own question."""
        return event_type == EMBED_EVENT

    async def wait_idle(self) -> None:
        """Return when the engine call of a request that has ended has really returned."""
        await self._thread.wait_idle()

    async def serve(self, request: Request) -> None:
        """Embed the audio of the question."""
        wish = EmbedSpeech.from_event(request.first)
        converter = PcmConverter(wish.rate_hz, 2, 1, RATE_HZ)
        pcm = converter.convert(wish.audio) + converter.flush()
        audio = (np.frombuffer(pcm, dtype="<i2") / np.float32(32768)).astype(np.float32)
        try:
            found = await self._thread.call(lambda stop: self._engine.embed(audio, stop))
        except Exception as error:
            raise_scripted_fault(error)
            raise
        answer = SpeechEmbedded(
            vector=found.embedding.values, speech_s=min(found.speech_s, wish.duration_s), model=found.model
        )
        await request.answer(answer.to_event())
