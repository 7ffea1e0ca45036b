"""Send an utterance to a speech-to-text server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from .endpoint import AnyEndpoint, Conversation
from .wav import WavAudio

CHUNK_S = 0.01  # Home Assistant sends 10 ms at a time
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard, and when on a `time.monotonic` clock."""

    text: str
    language: str | None
    started_s: float
    """When the first sample was sent."""
    sent_s: float
    """When the last sample was sent (or sending was stopped by the answer)."""
    answered_s: float


async def transcribe(
    endpoint: AnyEndpoint,
    audio: WavAudio,
    *,
    language: str | None = None,
    pace: float = 0.0,
    names: Sequence[str] = (),
    vad_sensitivity: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Transcription:
    """Return the transcript of `audio`.

    `pace` 1 sends at the speed of a microphone and stops when the answer comes, as Home Assistant does; 0 sends all at
    once. Raises what `Endpoint` raises.
    """
    async with endpoint.connect() as connection:
        await connection.send(
            Transcribe(language=language, transcript_names=list(names) or None, vad_sensitivity=vad_sensitivity)
        )
        await connection.send(AudioStart(audio.rate_hz, audio.width_bytes, audio.channels))
        started_s = time.monotonic()
        sending = asyncio.create_task(_send(connection, audio, pace, started_s))
        try:
            while True:
                event = await connection.receive(timeout_s + audio.duration_s * pace)
                if Transcript.is_type(event.type):
                    answered_s = time.monotonic()
                    break
        finally:
            sending.cancel()
            outcome = await asyncio.gather(sending, return_exceptions=True)
        sent_s = outcome[0] if isinstance(outcome[0], float) else answered_s
        transcript = Transcript.from_event(event)
        return Transcription(transcript.text, transcript.language, started_s, sent_s, answered_s)


async def _send(connection: Conversation, audio: WavAudio, pace: float, started_s: float) -> float:
    frame_bytes = audio.width_bytes * audio.channels
    chunk_s = CHUNK_S if pace else 0.1
    step = max(1, int(audio.rate_hz * chunk_s)) * frame_bytes
    for start in range(0, len(audio.pcm), step):
        if pace:
            due_s = started_s + start / (audio.rate_hz * frame_bytes) * pace
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        await connection.send(
            AudioChunk(audio.rate_hz, audio.width_bytes, audio.channels, audio.pcm[start : start + step])
        )
    await connection.send(AudioStop())
    return time.monotonic()
