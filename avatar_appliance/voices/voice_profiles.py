"""Voice profiles, as their owner works with them: the one door for the HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from .archive import ArchivedProfile, read_archive, write_archive
from .check_queue import CheckQueue
from .cloners import Cloners
from .errors import RecordingRefused
from .profile import Consent, TranscriptSource, VoiceProfile
from .profile_book import CURABLE, ProfileBook
from .profile_fields import ConsentGiven, ProfileChange, ProfileFields
from .reference_file import reference_length_s
from .studio_process import Reading, Studio
from .voice_files import VoiceFiles
from .voice_index import MAX_REFERENCE_S


class VoiceProfiles:
    """Creates, changes, exports and deletes profiles; their checks go on in the background."""

    def __init__(
        self,
        book: ProfileBook,
        files: VoiceFiles,
        studio: Studio,
        cloners: Cloners,
        queue: CheckQueue,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives epoch seconds."""
        self._book = book
        self._files = files
        self._studio = studio
        self.cloners = cloners
        self._queue = queue
        self._clock = clock

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Put right what a crash left behind, then check what waits until left."""
        for profile_id in await self._book.start():
            self._queue.add(profile_id)
        checking = asyncio.create_task(self._queue.run(), name="checks of voices")
        try:
            yield
        finally:
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)

    async def all(self) -> Sequence[VoiceProfile]:
        """Return every profile, the oldest first."""
        return await self._book.all()

    async def get(self, profile_id: str) -> VoiceProfile:
        """Return one profile; raises NotFound."""
        return await self._book.get(profile_id)

    async def create(self, fields: ProfileFields, recording: BinaryIO) -> VoiceProfile:
        """Keep a new profile with a recording in any format people have.

        Raises RecordingRefused, RecordingUnreadable, TooManyProfiles, Busy, DiskFull, StoreUnavailable; then nothing
        of it is left.
        """
        return await self._create(fields, recording, None)

    async def record(self, profile_id: str, recording: BinaryIO, transcript: str = "") -> VoiceProfile:
        """Take another recording for a profile; raises NotFound and what `create` raises: the old one stays then."""
        await self._book.get(profile_id)
        async with self._read(recording) as (reading, staged, length_s):
            profile = await self._book.record(
                profile_id,
                staged,
                lambda before: replace(
                    before,
                    version=before.version + 1,
                    reference_s=length_s,
                    transcript=transcript,
                    transcript_source=_source(transcript),
                    state="recorded",
                    reason=None,
                    measurements=reading.measurements,
                    recording_remarks=reading.remarks,
                    check_remarks=(),
                    trial=None,
                    trial_remarks=(),
                    embedding=None,
                    embedding_model=None,
                ),
            )
        self._queue.add(profile.id)
        return profile

    async def change(self, profile_id: str, change: ProfileChange) -> VoiceProfile:
        """Change what the owner says of a profile; raises NotFound. Other words are checked again."""
        before = await self._book.get(profile_id)
        profile = await self._book.change(profile_id, lambda now: self._changed(now, change))
        if profile.state == "recorded" or profile.transcript != before.transcript:
            self._queue.add(profile_id)
        elif not profile.is_voice:
            self._queue.discard(profile_id)
        return profile

    async def check(self, profile_id: str) -> VoiceProfile:
        """Have a profile checked again; raises NotFound."""
        profile = await self._book.change(profile_id, _to_check)
        self._queue.add(profile_id)
        return profile

    async def delete(self, profile_id: str) -> None:
        """Delete a profile with its files; raises NotFound."""
        await self._book.delete(profile_id)
        self._queue.discard(profile_id)

    async def open_reference(self, profile_id: str) -> BinaryIO:
        """Return the reference recording, opened; raises NotFound."""
        profile = await self._book.get(profile_id)
        return await asyncio.to_thread(self._files.open, profile_id, profile.reference)

    async def export(self, profile_id: str) -> bytes:
        """Return a profile as one archive; raises NotFound."""
        profile = await self._book.get(profile_id)
        with await asyncio.to_thread(self._files.open, profile_id, profile.reference) as file:
            reference = await asyncio.to_thread(file.read)
        return await asyncio.to_thread(write_archive, profile, reference)

    async def import_archive(self, archive: BinaryIO) -> VoiceProfile:
        """Keep the profile in an archive, under another id if its own is taken.

        Raises ArchiveInvalid and what `create` raises: an archive is as much a stranger's file as any recording.
        """
        async with self._files.staging() as folder:
            imported = folder / "imported"
            described = await asyncio.to_thread(read_archive, archive, imported)
            with await asyncio.to_thread(imported.open, "rb") as recording:
                profile = await self._create(described.fields, recording, described)
        return profile

    async def _create(
        self, fields: ProfileFields, recording: BinaryIO, archived: ArchivedProfile | None
    ) -> VoiceProfile:
        await self._book.check_room()
        # What was exported was cut already, and its words are those of all of it.
        reference_s = None if archived is None else MAX_REFERENCE_S
        async with self._read(recording, reference_s) as (reading, staged, length_s):
            profile = VoiceProfile(
                id="" if archived is None else archived.id,
                name=fields.name,
                languages=tuple(fields.languages),
                tier=fields.tier,
                purpose=fields.purpose,
                speed=fields.speed,
                is_default=False,
                consent=self._consent(fields.consent) if archived is None else archived.consent_note,
                reference="",
                reference_s=length_s,
                transcript=fields.transcript,
                transcript_language=fields.transcript_language or fields.languages[0],
                transcript_source=_source(fields.transcript) if archived is None else archived.transcript_source,
                version=1,
                state="recorded",
                reason=None,
                created_at=0.0,
                changed_at=0.0,
                measurements=reading.measurements,
                recording_remarks=reading.remarks,
            )
            profile = await self._book.add(profile, staged)
        self._queue.add(profile.id)
        return profile

    @contextlib.asynccontextmanager
    async def _read(
        self, recording: BinaryIO, reference_s: float | None = None
    ) -> AsyncIterator[tuple[Reading, Path, float]]:
        """Give what the studio says, the reference it made, and its length; nothing of it stays where it was made."""
        async with self._files.staging() as folder:
            staged = folder / "reference.wav"
            reading = await self._studio.read(recording, staged, reference_s)
            if reading.refused:
                raise RecordingRefused(reading.remarks)
            length_s = await asyncio.to_thread(reference_length_s, staged)
            yield reading, staged, length_s

    def _consent(self, given: ConsentGiven | None) -> Consent | None:
        return None if given is None else Consent(given.given_by, given.purpose, self._clock())

    def _changed(self, profile: VoiceProfile, change: ProfileChange) -> VoiceProfile:
        said = change.model_dump(exclude_none=True, include={"name", "tier", "speed", "is_default"})
        if change.languages is not None:
            said["languages"] = tuple(change.languages)
        if change.purpose not in (None, profile.purpose):
            said |= {"purpose": change.purpose, "is_default": bool(change.is_default)}
        if change.consent is not None or change.takes_consent_back:
            said["consent"] = self._consent(change.consent)
        new_words = change.transcript is not None and change.transcript != profile.transcript
        new_language = change.transcript_language not in (None, profile.transcript_language)
        if new_words or new_language:
            words = profile.transcript if change.transcript is None else change.transcript
            said |= {
                "transcript": words,
                "transcript_language": change.transcript_language or profile.transcript_language,
                "transcript_source": _source(words),
            }
        changed = replace(profile, **said)
        sounds_otherwise = new_words or new_language or changed.speed != profile.speed
        if sounds_otherwise:
            changed = replace(changed, version=profile.version + 1)
        return self._with_state(changed, checked_again=new_words or new_language)

    def _with_state(self, profile: VoiceProfile, *, checked_again: bool) -> VoiceProfile:
        """Return the profile in the state that its owner's changes bring it into."""
        obstacle = self.cloners.obstacle(profile)
        if profile.is_voice and obstacle is not None:
            return replace(profile, state="kept", reason=obstacle)
        if checked_again:
            return _to_check(profile)
        if profile.state == "kept" and profile.reason in CURABLE:
            cured = obstacle is None
            return replace(profile, state="recorded" if cured else "kept", reason=None if cured else obstacle)
        return profile


def _source(transcript: str) -> TranscriptSource:
    return "owner" if transcript else "heard"


def _to_check(profile: VoiceProfile) -> VoiceProfile:
    """Return the profile as it waits for another check: a voice goes on being one, unless its words are gone."""
    stays = profile.is_voice and bool(profile.transcript)
    return replace(profile, state="cloning" if stays else "recorded", reason=None)
