"""Let a text-to-speech server speak."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from .endpoint import AnyEndpoint
from .wav import WavAudio

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Speech:
    """What was spoken, and when on a `time.monotonic` clock."""

    audio: WavAudio
    asked_s: float
    first_audio_s: float | None
    ended_s: float


async def synthesize(
    endpoint: AnyEndpoint,
    text: str,
    *,
    voice: str | None = None,
    language: str | None = None,
    streaming: bool = True,
    timeout_s: float = TIMEOUT_S,
    on_audio: Callable[[bytes], None] | None = None,
    fresh: bool = False,
    played: bool = False,
) -> Speech:
    """Return the speech of `text`; `streaming` asks the way Home Assistant does. Raises what `Endpoint` raises.

    `fresh` asks a server of ours to have it spoken anew, whatever it kept: to measure the engine. `played` says that it
    will be heard in a room at once, as everybody else's is: its echo is nobody's wish. What goes into a file has none.
    """
    context = ({"fresh": True} if fresh else {}) | ({} if played else {"played": False}) or None
    wish = SynthesizeVoice(name=voice, language=None if voice else language) if voice or language else None
    async with endpoint.connect() as connection:
        asked_s = time.monotonic()
        if streaming:
            await connection.send(SynthesizeStart(voice=wish, context=context))
            await connection.send(SynthesizeChunk(text=text))
            await connection.send(
                Synthesize(text=text, voice=wish, context=context)
            )  # for old servers; must not be spoken twice
            await connection.send(SynthesizeStop())
        else:
            await connection.send(Synthesize(text=text, voice=wish, context=context))
        shape, pcm, first_audio_s = (16_000, 2, 1), bytearray(), None
        while True:
            event = await connection.receive(timeout_s)
            if AudioStart.is_type(event.type):
                start = AudioStart.from_event(event)
                shape = (start.rate, start.width, start.channels)
            elif AudioChunk.is_type(event.type):
                chunk = AudioChunk.from_event(event).audio
                first_audio_s = first_audio_s or time.monotonic()
                pcm += chunk
                if on_audio is not None:
                    on_audio(chunk)
            elif SynthesizeStopped.is_type(event.type) or (AudioStop.is_type(event.type) and not streaming):
                return Speech(WavAudio(*shape, bytes(pcm)), asked_s, first_audio_s, time.monotonic())
