"""People with voices: profiles in an index, and a speaker engine that knows whose voice a piece of audio has."""

from __future__ import annotations

import threading
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.config.speaker import SpeakerSettings
from avatar_appliance.speakers import EMBEDDING_SIZE, SpeakerEmbedding
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, voice_index_path, write_voice_index
from wyoming_servers.speaker.embedder import SpeakerEmbedder
from wyoming_servers.speaker.enrolment import Enrolment
from wyoming_servers.speaker.identification import Identification, WorkerIdentification
from wyoming_servers.speaker.identifier import WorkerIdentifier
from wyoming_servers.speaker.judgement import Judgement
from wyoming_servers.workers.engine import EmbeddedSpeech, StopFlag

from .house import House

RATE_HZ = 24_000
LATE = Judgement(reason="late")


def direction(*values: float) -> SpeakerEmbedding:
    """Return the embedding along the first axes."""
    return SpeakerEmbedding.of([*values, *[0.0] * (EMBEDDING_SIZE - len(values))])


ANNA, BEN, STRANGER = direction(1), direction(0, 1), direction(0, 0, 1)


class ScriptedSpeaker:
    """Tells references apart by their whole seconds, as the test says, and takes all else for `utterance`."""

    def __init__(self, references: dict[int, SpeakerEmbedding], utterance: SpeakerEmbedding) -> None:
        self.references = references
        self.utterance = utterance
        self.speech_s = 2.0
        self.model = "scripted"
        self.asked: list[float] = []
        """Seconds of each piece of audio."""
        self.error: Exception | None = None
        self.release = threading.Event()
        self.release.set()

    def load(self) -> None:
        """Load nothing."""

    def embed(self, audio: NDArray[np.float32], stop: StopFlag) -> EmbeddedSpeech:
        """Return what the script says; waits for `release`."""
        seconds = len(audio) / 16_000
        self.asked.append(seconds)
        known = self.references.get(round(seconds)) if abs(seconds - round(seconds)) < 0.01 else None
        if known is None:
            while not (self.release.wait(0.01) or stop.is_set()):
                pass
            if self.error is not None:
                raise self.error
        return EmbeddedSpeech(known or self.utterance, self.speech_s, self.model)


def profile(folder: Path, name: str, seconds: int, *, version: int = 1, title: str | None = None) -> ClonedVoice:
    """Return a profile whose reference is so long."""
    file = voice_index_path(folder).parent / name / f"reference-{version}.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(bytes(2 * RATE_HZ * seconds))
    return ClonedVoice(
        id=name, name=title or name.title(), languages=("en",), version=version, speed=1.0, tier="auto",
        purpose="answers", is_default=False, reference=file, transcript="words", transcript_language="en",
    )  # fmt: skip


def write_profiles(folder: Path, *voices: ClonedVoice) -> None:
    """Make these the voices of the index."""
    write_voice_index(voice_index_path(folder), voices)


class WatchedIdentifier(WorkerIdentifier):
    """Tells whether the latest utterance has been judged."""

    begun: list[Identification]

    def begin(self) -> Identification:
        """Remember what finds out."""
        self.begun = [*getattr(self, "begun", []), super().begin()]
        return self.begun[-1]

    @property
    def has_judged(self) -> bool:
        """Whether the speaker worker's answer about the latest utterance, or a refusal, is here."""
        latest = getattr(self, "begun", [None])[-1]
        return isinstance(latest, WorkerIdentification) and latest.judgement not in (Judgement(), LATE)


def identifier(house: House, *workers: str, **settings: float) -> WatchedIdentifier:
    """Return an identifier over the index in the house's folder; nobody follows the index but the test."""
    embedder = SpeakerEmbedder(house.links(workers or ("who",)), house.access())
    enrolment = Enrolment(VoiceIndex(voice_index_path(house.runtime_dir)), embedder)
    return WatchedIdentifier(SpeakerSettings(**settings), embedder, enrolment)
