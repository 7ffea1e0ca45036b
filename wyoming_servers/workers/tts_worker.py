"""The Wyoming face of a TTS engine: `synthesize` in, audio out while it is made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.info import Info
from wyoming.tts import Synthesize

from avatar_appliance.config.settings import LimitsSettings
from avatar_appliance.errors import TextTooLong, VoiceUnknown
from avatar_appliance.wire import parse_event
from wyoming_servers.base import Handler, Request

from .engine import EngineThread, TextToSpeech
from .faults import raise_scripted_fault

# One audio-chunk of PCM; small enough that a hang-up is noticed between two.
CHUNK_BYTES = 16 * 1024


class TtsWorkerHandler(Handler):
    """Runs the engine over one text at a time and streams what it yields."""

    def __init__(
        self,
        engine: TextToSpeech,
        thread: EngineThread,
        limits: LimitsSettings,
        has_unlisted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`has_unlisted` says of a name whether the engine has such a voice, which its offer does not tell."""
        self._engine = engine
        self._has_unlisted = has_unlisted
        self._thread = thread
        self._limits = limits

    def info(self) -> Info:
        """Return the engine's program entry; voices may have come and gone since."""
        return Info(tts=[self._engine.program()])

    def begins_request(self, event_type: str) -> bool:
        """Only whole texts: our TTS server does the streaming."""
        return Synthesize.is_type(event_type)

    async def wait_idle(self) -> None:
        """Return when the engine call of a request that has ended has really returned."""
        await self._thread.wait_idle()

    async def serve(self, request: Request) -> None:
        """Speak one text: `audio-start`, `audio-chunk`..., `audio-stop`."""
        wish = parse_event(Synthesize, request.first)
        if len(wish.text) > self._limits.max_text_chars:
            raise TextTooLong(f"more than {self._limits.max_text_chars} characters")
        voice = self._choose(wish)
        speaker = wish.voice.speaker if wish.voice else None
        rate_hz = 0
        speech = self._thread.stream(lambda stop: self._engine.synthesize(wish.text, voice, speaker, stop))
        try:
            async with contextlib.aclosing(speech) as pieces:
                async for piece in pieces:
                    if not rate_hz:
                        rate_hz = piece.rate_hz
                        await request.answer(AudioStart(rate=rate_hz, width=2, channels=1))
                    for start in range(0, len(piece.pcm), CHUNK_BYTES):
                        part = piece.pcm[start : start + CHUNK_BYTES]
                        await request.answer(AudioChunk(rate=piece.rate_hz, width=2, channels=1, audio=part))
        except Exception as error:
            raise_scripted_fault(error)
            raise
        if not rate_hz:  # nothing to say: an empty run, so that the client does not wait
            await request.answer(AudioStart(rate=22_050, width=2, channels=1))
        await request.answer(AudioStop())

    def _choose(self, wish: Synthesize) -> str:
        voices = {voice.name: voice.languages for voice in self._engine.program().voices}
        if wish.voice is not None and wish.voice.name:
            name = wish.voice.name
            if name not in voices and not self._has_unlisted(name):
                raise VoiceUnknown("this worker has no such voice")
            return name
        if wish.voice is not None and wish.voice.language:
            wanted = _tag(wish.voice.language)
            related: str | None = None
            for name, languages in voices.items():
                if wanted in map(_tag, languages):
                    return name
                if related is None and wanted.split("-")[0] in {_tag(own).split("-")[0] for own in languages}:
                    related = name
            if related is None:
                raise VoiceUnknown("this worker has no voice of that language")
            return related
        if not voices:
            raise VoiceUnknown("this worker has no voice yet")
        return next(iter(voices))


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()
