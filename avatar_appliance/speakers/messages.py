"""The protocol of a speaker worker, on its unix socket `worker-NAME.sock`; framed as every Wyoming event.

    -> {"type": "avatar-embed-speech", "data": {"rate_hz": 16000}} + payload: 16-bit little-endian mono PCM
    <- {"type": "avatar-speech-embedded",
        "data": {"vector": [256 numbers], "speech_s": 2.1, "model": "resemblyzer-0.1.4"}}

One question at a time on a connection, any number of them; hanging up cancels. What goes wrong is an `error` event with
a code of docs/errors.md: `bad-request` for audio of another form, `speech-too-short` where there is next to no speech
in it, `audio-too-long` beyond `MOST_AUDIO_S`, `worker-busy`. `describe`, `ping` and `avatar-wait-idle` are answered as
by every worker of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from wyoming.event import Event

from avatar_appliance.errors import AudioTooLong, BadRequest
from avatar_appliance.wire.typed import decode, encode

from .embedding import EMBEDDING_SIZE, SpeakerEmbedding

EMBED_EVENT = "avatar-embed-speech"
EMBEDDED_EVENT = "avatar-speech-embedded"
MOST_AUDIO_S = 30.0
"""More says nothing new about a voice."""
LEAST_RATE_HZ, MOST_RATE_HZ = 8_000, 96_000
_WIDTH_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedSpeech:
    """The question: whose voice is this? 16-bit mono PCM."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    rate_hz: Annotated[int, Field(ge=LEAST_RATE_HZ, le=MOST_RATE_HZ)]
    audio: bytes = field(default=b"", repr=False)

    @property
    def duration_s(self) -> float:
        """How long the audio is."""
        return len(self.audio) / _WIDTH_BYTES / self.rate_hz

    def to_event(self) -> Event:
        """Return the message for the worker's socket."""
        return encode(EMBED_EVENT, self)

    @classmethod
    def from_event(cls, event: Event) -> EmbedSpeech:
        """Return the value of a message; raises BadRequest, or AudioTooLong beyond MOST_AUDIO_S."""
        wish = decode(EMBED_EVENT, cls, event)
        if not wish.audio or len(wish.audio) % _WIDTH_BYTES:
            raise BadRequest(f"{EMBED_EVENT}: the payload is no 16-bit mono audio")
        if wish.duration_s > MOST_AUDIO_S:
            raise AudioTooLong(f"more than {MOST_AUDIO_S:g} s of audio to embed")
        return wish


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEmbedded:
    """The answer. Vectors of different `model`s have nothing to do with each other."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    vector: Annotated[tuple[float, ...], Field(min_length=EMBEDDING_SIZE, max_length=EMBEDDING_SIZE)] = field(
        repr=False
    )
    speech_s: Annotated[float, Field(ge=0, le=MOST_AUDIO_S + 1)]
    """How much of the audio was speech; less than a second of it tells little."""
    model: Annotated[str, StringConstraints(min_length=1, max_length=64)]

    @property
    def embedding(self) -> SpeakerEmbedding:
        """The vector; raises ValueError where it is none."""
        return SpeakerEmbedding(self.vector)

    def to_event(self) -> Event:
        """Return the message for the socket."""
        return encode(EMBEDDED_EVENT, self)

    @classmethod
    def from_event(cls, event: Event) -> SpeechEmbedded:
        """Return the value of a message; raises BadRequest for anything malformed."""
        answer = decode(EMBEDDED_EVENT, cls, event)
        try:
            answer.embedding  # noqa: B018 - a vector of zeros is no answer
        except ValueError as error:
            raise BadRequest(f"{EMBEDDED_EVENT}: {error}") from None
        return answer
