"""The Wyoming face of an ASR engine: what any Wyoming speech-to-text server does, plus how sure it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.info import Info

from avatar_appliance.config.settings import LimitsSettings
from avatar_appliance.errors import AudioTooLong
from avatar_appliance.wire import parse_event
from wyoming_servers.audio import PcmConverter
from wyoming_servers.backends.metrics import with_metrics
from wyoming_servers.base import Handler, Request

from .engine import EngineThread, SpeechToText, TranscribeOptions
from .faults import raise_scripted_fault
from .vocabulary import words

RATE_HZ = 16_000
WIDTH_BYTES = 2


class AsrWorkerHandler(Handler):
    """Collects an utterance and runs the engine over it."""

    def __init__(self, engine: SpeechToText, thread: EngineThread, limits: LimitsSettings) -> None:
        self._engine = engine
        self._thread = thread
        self._limits = limits
        self._info = Info(asr=[engine.program()])

    def info(self) -> Info:
        """Return the engine's program entry."""
        return self._info

    def begins_request(self, event_type: str) -> bool:
        """`transcribe`, or audio straight away, as Wyoming allows."""
        return Transcribe.is_type(event_type) or AudioStart.is_type(event_type)

    async def wait_idle(self) -> None:
        """Return when the engine call of a request that has ended has really returned."""
        await self._thread.wait_idle()

    async def serve(self, request: Request) -> None:
        """Collect audio until `audio-stop`, transcribe, answer with `transcript`."""
        starts = Transcribe.is_type(request.first.type)
        wish = parse_event(Transcribe, request.first) if starts else Transcribe()
        audio = await self._collect(request)
        options = TranscribeOptions(
            language=wish.language, names=words(wish.transcript_names), terms=words(wish.transcript_terms)
        )
        try:
            heard = await self._thread.call(lambda stop: self._engine.transcribe(audio, options, stop))
        except Exception as error:
            raise_scripted_fault(error)
            raise
        context = with_metrics(wish.context, heard.metrics)
        await request.answer(Transcript(text=heard.text, language=heard.language, context=context))

    async def _collect(self, request: Request) -> NDArray[np.float32]:
        most_bytes = int(self._limits.max_audio_s * RATE_HZ) * WIDTH_BYTES
        converter: PcmConverter | None = None
        pcm = bytearray()
        while not AudioStop.is_type((event := await request.next(self._limits.stall_timeout_s)).type):
            if AudioChunk.is_type(event.type):
                chunk = parse_event(AudioChunk, event)
                if converter is None:
                    converter = PcmConverter(chunk.rate, chunk.width, chunk.channels, RATE_HZ)
                pcm += converter.convert(chunk.audio)
                if len(pcm) > most_bytes:
                    raise AudioTooLong(f"more than {self._limits.max_audio_s:g} s of audio")
        if converter is not None:
            pcm += converter.flush()
        return (np.frombuffer(pcm, dtype="<i2") / np.float32(32768)).astype(np.float32)
