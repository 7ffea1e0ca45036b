"""Finds out who speaks, utterance by utterance."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from avatar_appliance.config.speaker import SpeakerSettings
from avatar_appliance.voices.voice_index import VoiceIndex, voice_index_path
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink

from .embedder import SpeakerEmbedder
from .enrolment import Enrolment
from .identification import Identification, WorkerIdentification


class Identifier:
    """Identifies nobody: where no speaker worker is configured."""

    def begin(self) -> Identification:
        """Return what finds out who speaks in the utterance that begins now."""
        return Identification()

    def is_same_person(self, one: str, other: str) -> bool:
        """Return whether two profiles, by their ids, are of one person."""
        return one == other


class WorkerIdentifier(Identifier):
    """Identifies by embeddings; while no voice is enrolled, no audio goes anywhere unless somebody insists."""

    def __init__(self, settings: SpeakerSettings, embedder: SpeakerEmbedder, enrolment: Enrolment) -> None:
        self._settings = settings
        self._embedder = embedder
        self.enrolment = enrolment

    def begin(self) -> Identification:
        """Return what finds out who speaks in the utterance that begins now."""
        return WorkerIdentification(self._settings, self._embedder, self.enrolment)

    def is_same_person(self, one: str, other: str) -> bool:
        """Return whether two profiles are one, or have one name."""
        names = {person.profile: person.name for person in self.enrolment.people}
        return one == other or (one in names and names[one] == names.get(other))


@contextlib.asynccontextmanager
async def identifying(
    settings: SpeakerSettings, links: Sequence[WyomingWorkerLink], access: WorkerAccess, state_dir: Path
) -> AsyncIterator[Identifier]:
    """Give an identifier that knows the voices of the profiles while the block runs."""
    if not links:
        yield Identifier()
        return
    # Enrolling a voice must not load a language model.
    alone = access.for_itself()
    embedder = SpeakerEmbedder(links, alone)
    enrolment = Enrolment(VoiceIndex(voice_index_path(state_dir)), embedder)
    following = asyncio.create_task(enrolment.run(), name="enrolment")
    try:
        yield WorkerIdentifier(settings, embedder, enrolment)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await alone.aclose()
