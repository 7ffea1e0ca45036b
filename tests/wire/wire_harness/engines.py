"""Scripted engines that tests can look into and hold up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.config.workers import FakeWorker
from wyoming_servers.workers.engine import AudioPiece, StopFlag, TranscribeOptions, Transcription
from wyoming_servers.workers.fake import FakeAsrEngine, FakeTtsEngine


def fake(role: str, **settings: Any) -> FakeWorker:
    """Return the settings of a fake worker."""
    return FakeWorker(engine="fake", fake_role=role, **settings)


class WatchedAsr(FakeAsrEngine):
    """Remembers what it was given; waits for `release` where told to, deaf to the stop flag as CTranslate2 is."""

    def __init__(self, settings: FakeWorker | None = None, *, held: bool = False, **transcription: Any) -> None:
        super().__init__(settings or fake("asr"))
        self.audio: list[NDArray[np.float32]] = []
        self.options: list[TranscribeOptions] = []
        self.stops: list[StopFlag] = []
        self.running = 0
        self.most_running = 0
        self.release = threading.Event()
        self._transcription = transcription
        if not held:
            self.release.set()

    def transcribe(self, audio: NDArray[np.float32], options: TranscribeOptions, stop: StopFlag) -> Transcription:
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        self.audio.append(audio)
        self.options.append(options)
        self.stops.append(stop)
        try:
            assert self.release.wait(30)
            heard = super().transcribe(audio, options, stop)
        finally:
            self.running -= 1
        return Transcription(**{**_fields(heard), **self._transcription})


class WatchedTts(FakeTtsEngine):
    """Remembers what it was asked; can have another rate, other voices, and be held up after the first piece."""

    def __init__(
        self, settings: FakeWorker | None = None, *, rate_hz: int = 22_050, held: bool = False, **voice: Any
    ) -> None:
        super().__init__(settings or fake("tts"))
        self.asked: list[tuple[str, str, str | None]] = []
        self.stops: list[StopFlag] = []
        self.finished = 0
        self.release = threading.Event()
        self._rate_hz = rate_hz
        self._voice = voice
        if not held:
            self.release.set()

    def program(self) -> Any:
        program = super().program()
        for voice in program.voices:
            for name, value in self._voice.items():
                setattr(voice, name, value)
        return program

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        self.asked.append((text, voice, speaker))
        self.stops.append(stop)
        try:
            for piece in super().synthesize(text, voice, speaker, stop):
                yield AudioPiece(self._rate_hz, piece.pcm)
                while not (self.release.wait(0.01) or stop.is_set()):
                    pass
        finally:
            self.finished += 1

    @property
    def texts(self) -> list[str]:
        """What it was asked to speak."""
        return [text for text, _, _ in self.asked]


class MuteTts(WatchedTts):
    """Takes a text and makes no sound until it is stopped."""

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        self.asked.append((text, voice, speaker))
        stop.wait(30)
        return iter(())


def _fields(heard: Transcription) -> dict[str, Any]:
    return {"text": heard.text, "language": heard.language, "metrics": heard.metrics}
