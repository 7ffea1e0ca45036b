"""A client of the three Wyoming servers: what `avatar say|ask|listen|doctor|bench` speak with."""

from __future__ import annotations

from .converse import Answer, converse
from .describe import describe
from .embed_speaker import embed_speaker
from .endpoint import Endpoint, ServerError, UnixEndpoint
from .synthesize import Speech, synthesize
from .transcribe import Transcription, transcribe
from .wav import WavAudio, read_wav, wav_bytes, write_wav

__all__ = [
    "Answer",
    "Endpoint",
    "ServerError",
    "Speech",
    "Transcription",
    "UnixEndpoint",
    "WavAudio",
    "converse",
    "describe",
    "embed_speaker",
    "read_wav",
    "synthesize",
    "transcribe",
    "wav_bytes",
    "write_wav",
]
