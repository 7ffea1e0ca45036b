"""Ask a speaker worker whose voice a piece of audio has."""

from __future__ import annotations

from avatar_appliance.speakers import EmbedSpeech, SpeechEmbedded
from avatar_appliance.speakers.messages import EMBEDDED_EVENT

from .endpoint import AnyEndpoint
from .wav import WavAudio

TIMEOUT_S = 10.0


async def embed_speaker(endpoint: AnyEndpoint, audio: WavAudio, *, timeout_s: float = TIMEOUT_S) -> SpeechEmbedded:
    """Return the embedding of `audio`, which is 16-bit mono and at most MOST_AUDIO_S long.

    Raises ServerError with the worker's code (no speech in it, too long, too busy), DeadlineExceeded where the answer
    takes longer, WorkerUnavailable where nobody listens, BadRequest for an answer that is none.
    """
    async with endpoint.connect() as connection:
        await connection.send(EmbedSpeech(rate_hz=audio.rate_hz, audio=audio.pcm).to_event())
        while (event := await connection.receive(timeout_s)).type != EMBEDDED_EVENT:
            pass
        return SpeechEmbedded.from_event(event)
