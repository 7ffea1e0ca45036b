"""Puts voice profiles together: from the settings and the store to the service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from avatar_appliance.config import Settings
from avatar_appliance.config.voices import VoicesSettings
from avatar_appliance.leases.client import LeaseClient
from avatar_appliance.store.database import Database

from .check_queue import CheckQueue
from .cloners import Cloners
from .listening import Ears
from .profile_book import ProfileBook
from .profile_check import ProfileCheck
from .profile_repository import ProfileRepository
from .studio.bounds import Bounds
from .studio_process import Studio
from .trial_run import TrialRun
from .voice_files import VoiceFiles
from .voice_index import VOICES_FOLDER
from .voice_profiles import VoiceProfiles
from .worker_use import LeasedWorkers, Workers


@contextlib.asynccontextmanager
async def open_voices(settings: Settings, database: Database) -> AsyncIterator[VoiceProfiles]:
    """Run the profiles over the workers of the appliance until left; raises what the store raises."""
    leases = LeaseClient(settings.paths.runtime_dir, "voices")
    asking = asyncio.create_task(leases.run(), name="leases of voices")
    try:
        voices = make_voices(settings, database, LeasedWorkers(settings, leases))
        async with voices.running():
            yield voices
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


def make_voices(
    settings: Settings, database: Database, workers: Workers, studio: Studio | None = None
) -> VoiceProfiles:
    """Return the profiles over `workers`; they do nothing by themselves before they are run."""
    bounds = settings.voices
    studio = studio or _studio(bounds)
    files = VoiceFiles(settings.paths.state_dir / VOICES_FOLDER)
    cloners = Cloners.of(settings)
    ears = Ears(workers, settings.asr.workers, settings.speaker.workers)
    book = ProfileBook(ProfileRepository(database), files, cloners, max_profiles=bounds.max_profiles)
    trial = TrialRun(cloners, workers, ears, studio, patience_s=bounds.patience_s)
    check = ProfileCheck(book, files, studio, ears, cloners, trial, patience_s=bounds.patience_s)
    return VoiceProfiles(book, files, studio, cloners, CheckQueue(check.run))


def _studio(bounds: VoicesSettings) -> Studio:
    return Studio(
        max_recording_s=bounds.max_recording_s,
        reference_s=bounds.reference_s,
        bounds=Bounds(memory_bytes=bounds.studio_memory, wall_s=bounds.studio_timeout_s),
    )
