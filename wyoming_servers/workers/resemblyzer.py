"""Speaker embeddings by Resemblyzer's voice encoder, run by numpy (docs/decisions/0028)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.errors import SpeechTooShort
from avatar_appliance.speakers import SpeakerEmbedding

from .engine import EmbeddedSpeech, StopFlag
from .speaker.encoder import VoiceEncoder
from .speaker.mel import RATE_HZ
from .speaker.speech_only import speech_only

CHECKPOINT = "pretrained.pt"
MODEL = "resemblyzer-0.1.4"
LEAST_SPEECH_S = 0.3
# Above some seconds a voice says nothing new, and time is what somebody waits for.
MOST_SPEECH_S = 8.0


class ResemblyzerEngine:
    """One voice encoder."""

    def __init__(self, model_dir: Path) -> None:
        self._file = model_dir / CHECKPOINT
        self._encoder: VoiceEncoder | None = None

    def load(self) -> None:
        """Read the weights and embed once; raises ConfigError for a file that is no such encoder."""
        self._encoder = VoiceEncoder.load(self._file)
        self._encoder.embed(np.zeros(RATE_HZ, dtype=np.float32))

    def embed(self, audio: NDArray[np.float32], stop: StopFlag) -> EmbeddedSpeech:
        """Embed mono audio, 16 kHz, range -1..1; raises SpeechTooShort where there is too little speech in it."""
        if self._encoder is None:
            raise RuntimeError("load() comes first")
        speech = speech_only(audio)
        if len(speech) < LEAST_SPEECH_S * RATE_HZ:
            raise SpeechTooShort("there is too little speech in it to tell a voice by")
        vector = self._encoder.embed(speech[: int(MOST_SPEECH_S * RATE_HZ)])
        return EmbeddedSpeech(SpeakerEmbedding.of(vector), len(speech) / RATE_HZ, MODEL)
