"""The profiles as they are: rows, files and the index for the workers, changed together and one change at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from avatar_appliance.errors import NotFound
from avatar_appliance.store.errors import StoreUnavailable

from .cloners import Cloners
from .errors import TooManyProfiles
from .profile import (
    LANGUAGE_NOT_SPOKEN,
    NO_CLONING_WORKER,
    NO_CONSENT,
    RECORDING_MISSING,
    UNFINISHED_STATES,
    VoiceProfile,
)
from .profile_repository import ProfileRepository
from .voice_files import VoiceFiles
from .voice_ids import new_voice_id
from .voice_index import INDEX_FILE, ClonedVoice, write_voice_index

# What the owner or the configuration can put right, so that the profile becomes a voice after all.
CURABLE = frozenset({NO_CONSENT, NO_CLONING_WORKER, LANGUAGE_NOT_SPOKEN})


class ProfileBook:
    """Keeps what was promised: a profile is there as a whole or not at all, whenever the power goes."""

    def __init__(
        self,
        rows: ProfileRepository,
        files: VoiceFiles,
        cloners: Cloners,
        *,
        max_profiles: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives epoch seconds."""
        self._rows = rows
        self._files = files
        self._cloners = cloners
        self._max_profiles = max_profiles
        self._clock = clock
        self._lock = asyncio.Lock()

    async def start(self) -> Sequence[str]:
        """Put right what a crash or another configuration left behind; return the ids that have to be checked."""
        async with self._lock:
            profiles = await self._rows.all()
            known = {profile.id: profile.reference for profile in profiles}
            missing = await asyncio.to_thread(self._files.sweep, known, fresh=self._rows.is_new)
            unfinished = []
            for profile in profiles:
                fitting = self._fitting(profile, profile.id in missing)
                if fitting is not profile:
                    await self._rows.update(fitting)
                if fitting.state in UNFINISHED_STATES:
                    unfinished.append(profile.id)
            await self._write_index()
        return unfinished

    async def all(self) -> Sequence[VoiceProfile]:
        """Return every profile, the oldest first."""
        return await self._rows.all()

    async def get(self, profile_id: str) -> VoiceProfile:
        """Return one profile; raises NotFound."""
        return await self._rows.get(profile_id)

    async def check_room(self) -> None:
        """Raise TooManyProfiles where one more would be too many."""
        if len(await self._rows.all()) >= self._max_profiles:
            raise TooManyProfiles(f"there are {self._max_profiles} voice profiles already")

    async def add(self, profile: VoiceProfile, staged: Path) -> VoiceProfile:
        """Keep a new profile with the reference at `staged`, under its id or, where that is taken or empty, another.

        Raises TooManyProfiles, StoreUnavailable and what the database raises.
        """
        async with self._lock:
            await self.check_room()
            taken = {other.id for other in await self._rows.all()}
            wish = profile.id or profile.name
            name = profile.id if profile.id and profile.id not in taken else new_voice_id(wish, taken)
            reference = await asyncio.to_thread(self._files.place, staged, name)
            profile = replace(profile, id=name, reference=reference, created_at=self._clock(), changed_at=self._clock())
            try:
                profile = await self._rows.insert(profile)
            except BaseException:
                await asyncio.to_thread(self._files.delete, name, reference)
                raise
            await self._write_index()
        return profile

    async def change(self, profile_id: str, changed: Callable[[VoiceProfile], VoiceProfile]) -> VoiceProfile:
        """Write what `changed` makes of a profile, and return it; raises NotFound and what `changed` raises."""
        async with self._lock:
            return await self._update(changed(await self._rows.get(profile_id)))

    async def change_take(self, seen: VoiceProfile, **values: Any) -> VoiceProfile | None:
        """Write `values` into a profile unless it sounds otherwise by now, or is gone: then return None."""
        async with self._lock:
            try:
                now = await self._rows.get(seen.id)
            except NotFound:
                return None
            return await self._update(replace(now, **values)) if now.is_take_of(seen) else None

    async def record(
        self, profile_id: str, staged: Path, changed: Callable[[VoiceProfile], VoiceProfile]
    ) -> VoiceProfile:
        """Take the reference at `staged` in place of the one there is; raises NotFound."""
        async with self._lock:
            before = await self._rows.get(profile_id)
            reference = await asyncio.to_thread(self._files.place, staged, profile_id)
            try:
                profile = await self._update(replace(changed(before), reference=reference))
            except BaseException:
                now = await self._rows.get(profile_id)
                await asyncio.to_thread(
                    self._files.delete, profile_id, before.reference if now.reference == reference else reference
                )
                raise
            await asyncio.to_thread(self._files.delete, profile_id, before.reference)
        return profile

    async def delete(self, profile_id: str) -> None:
        """Delete a profile: row, place in the index, files; raises NotFound."""
        async with self._lock:
            profile = await self._rows.get(profile_id)
            await self._rows.delete(profile_id)
            try:
                await self._write_index()
            finally:
                await asyncio.to_thread(self._files.delete, profile_id, profile.reference)

    async def _update(self, profile: VoiceProfile) -> VoiceProfile:
        if profile.is_voice and (obstacle := self._cloners.obstacle(profile)) is not None:
            # Consent may have been taken back while a check was about to call it ready.
            profile = replace(profile, state="kept", reason=obstacle)
        profile = replace(profile, changed_at=self._clock())
        await self._rows.update(profile)
        await self._write_index()
        return profile

    async def _write_index(self) -> None:
        voices = [self._voice(profile) for profile in await self._rows.all() if profile.is_voice and profile.transcript]
        try:
            await asyncio.to_thread(write_voice_index, self._files.folder / INDEX_FILE, voices)
        except OSError as error:
            raise StoreUnavailable(f"the index of the voices cannot be written: {error.strerror}") from error

    def _voice(self, profile: VoiceProfile) -> ClonedVoice:
        return ClonedVoice(
            id=profile.id,
            name=profile.name,
            languages=profile.languages,
            version=profile.version,
            speed=profile.speed,
            tier=profile.tier,
            purpose=profile.purpose,
            is_default=profile.is_default,
            reference=self._files.path(profile.id, profile.reference),
            transcript=profile.transcript,
            transcript_language=profile.transcript_language,
        )

    def _fitting(self, profile: VoiceProfile, is_missing: bool) -> VoiceProfile:
        """Return the profile as this configuration and this folder allow it."""
        if is_missing:
            return replace(profile, state="refused", reason=RECORDING_MISSING)
        obstacle = self._cloners.obstacle(profile)
        if profile.state == "kept" and profile.reason in CURABLE and obstacle is None:
            return replace(profile, state="recorded", reason=None)
        if profile.is_voice and obstacle is not None:
            return replace(profile, state="kept", reason=obstacle)
        return profile
