"""Telling people apart by their voices: what an embedding is, and how a speaker worker is asked for one."""

from __future__ import annotations

from .embedding import EMBEDDING_SIZE, SpeakerEmbedding
from .messages import EmbedSpeech, SpeechEmbedded

__all__ = ["EMBEDDING_SIZE", "EmbedSpeech", "SpeakerEmbedding", "SpeechEmbedded"]
