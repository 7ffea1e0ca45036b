"""Scripted engines without a model: for trials, load tests and fault drills. They ship in the product."""

from __future__ import annotations

import hashlib
import math
import os
import random
import time
from array import array
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from wyoming.info import AsrModel, AsrProgram, Attribution, TtsProgram, TtsVoice

from avatar_appliance.config.workers import FakeWorker
from avatar_appliance.speakers import EMBEDDING_SIZE, SpeakerEmbedding

from .engine import AudioPiece, EmbeddedSpeech, StopFlag, TranscribeOptions, Transcription
from .fake_life import FakeLife

_ATTRIBUTION = Attribution(name="AVATAR Appliance", url="")
_RATE_HZ = 22_050
_S_PER_CHAR = 0.06


class FakeFault(Exception):
    """The scripted fault of a fake worker: "drop" and "garbage" are carried out by its handler."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class FaultScript:
    """Counts requests and misbehaves from the configured one on."""

    def __init__(self, settings: FakeWorker, exit_process: Callable[[int], object] = os._exit) -> None:
        self._settings = settings
        self._requests = 0
        self._exit = exit_process

    def begin(self, stop: StopFlag) -> str:
        """Start a request: wait the scripted latency and return the fault to play ("none" where all is well)."""
        settings = self._settings
        self._requests += 1
        _wait(settings.latency_s, None if settings.uninterruptible else stop)
        if settings.fault == "none" or self._requests <= settings.fault_after:
            return "none"
        if settings.fault == "hang":
            stop.wait()
        elif settings.fault == "exit":
            self._exit(70)
        elif settings.fault == "error":
            raise RuntimeError("scripted error")
        return settings.fault


def _wait(seconds: float, stop: StopFlag | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif seconds:
        stop.wait(seconds)


class FakeAsrEngine:
    """Hears the scripted sentence in whatever it is given."""

    def __init__(self, settings: FakeWorker, life: FakeLife | None = None) -> None:
        self._settings = settings
        self._script = FaultScript(settings)
        self._life = life or FakeLife(settings)

    def load(self) -> None:
        """Take `load_s` seconds, and memory; raises MemoryError."""
        self._life.load()

    def program(self) -> AsrProgram:
        """Return a program entry of the usual shape."""
        model = AsrModel(
            name="fake", description="scripted", attribution=_ATTRIBUTION, installed=True, version=None,
            languages=list(self._settings.languages),
        )  # fmt: skip
        return AsrProgram(
            name="fake-asr", description="Scripted speech-to-text", attribution=_ATTRIBUTION, installed=True,
            version=None, models=[model],
        )  # fmt: skip

    def transcribe(self, audio: NDArray[np.float32], options: TranscribeOptions, stop: StopFlag) -> Transcription:
        """Return the scripted transcript with good metrics."""
        fault = self._script.begin(stop)
        if fault != "none":
            raise FakeFault(fault)
        return Transcription(
            text=self._settings.transcript,
            language=options.language or self._settings.languages[0],
            metrics={"avg_logprob": -0.1, "no_speech_prob": 0.01, "compression_ratio": 1.0},
        )


class FakeTtsEngine:
    """Speaks a tone, 60 ms per character, in one piece per word."""

    def __init__(self, settings: FakeWorker, life: FakeLife | None = None) -> None:
        self._settings = settings
        self._script = FaultScript(settings)
        self._life = life or FakeLife(settings)

    def load(self) -> None:
        """Take `load_s` seconds, and memory; raises MemoryError."""
        self._life.load()

    def program(self) -> TtsProgram:
        """Return one voice per configured language."""
        return TtsProgram(
            name="fake-tts", description="Scripted text-to-speech", attribution=_ATTRIBUTION, installed=True,
            version=None,
            voices=[
                TtsVoice(
                    name=f"fake-{language}", description=f"Fake ({language})", attribution=_ATTRIBUTION,
                    installed=True, version=None, languages=[language],
                )
                for language in self._settings.languages
            ],
        )  # fmt: skip

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Yield a tone per word, then the scripted fault if it is one of the middle of a stream."""
        fault = self._script.begin(stop)
        for index, word in enumerate(text.split() or [text]):
            if stop.is_set():
                return
            yield AudioPiece(_RATE_HZ, _tone(len(word) * _S_PER_CHAR, 220 + 20 * (index % 8)))
            if fault != "none":
                raise FakeFault(fault)
            _wait(self._settings.chunk_interval_s, None if self._settings.uninterruptible else stop)


class FakeSpeakerEngine:
    """Recognises nobody: each piece of audio gets a direction of its own, the same again for the same samples only."""

    def __init__(self, settings: FakeWorker, life: FakeLife | None = None) -> None:
        self._script = FaultScript(settings)
        self._life = life or FakeLife(settings)

    def load(self) -> None:
        """Take `load_s` seconds, and memory; raises MemoryError."""
        self._life.load()

    def embed(self, audio: NDArray[np.float32], stop: StopFlag) -> EmbeddedSpeech:
        """Return a direction drawn by the samples."""
        fault = self._script.begin(stop)
        if fault != "none":
            raise FakeFault(fault)
        draw = random.Random(hashlib.sha256(audio.tobytes()).digest())
        return EmbeddedSpeech(
            SpeakerEmbedding.of(draw.gauss(0, 1) for _ in range(EMBEDDING_SIZE)), len(audio) / 16_000, "fake"
        )


def _tone(seconds: float, pitch_hz: float) -> bytes:
    count = int(seconds * _RATE_HZ)
    step = 2 * math.pi * pitch_hz / _RATE_HZ
    return array("h", (int(8000 * math.sin(step * i)) for i in range(count))).tobytes()
