"""A profile as one file: a ZIP of `profile.json` and `reference.wav`, and of nothing else.

Only those two names are ever read, and never written to where an archive says, so no name in it can lead anywhere.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ArchiveInvalid
from .profile import Consent, TranscriptSource, VoiceProfile
from .profile_fields import ConsentText, ProfileFields, SpokenWords
from .voice_index import is_voice_id

PROFILE_MEMBER = "profile.json"
REFERENCE_MEMBER = "reference.wav"
_FORMAT = "avatar-voice-profile-1"
_MAX_PROFILE_BYTES = 64 * 1024
_MAX_REFERENCE_BYTES = 4 * 1024 * 1024
MAX_ARCHIVE_BYTES = _MAX_PROFILE_BYTES + _MAX_REFERENCE_BYTES + 64 * 1024


class _ArchivedConsent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    given_by: ConsentText
    purpose: ConsentText
    at: float = Field(ge=0, lt=1e11, allow_inf_nan=False)


class ArchivedProfile(BaseModel):
    """What an archive says of its profile. Reports and embeddings are not in it: they are made again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["avatar-voice-profile-1"] = "avatar-voice-profile-1"
    id: str
    profile: ProfileFields
    transcript: SpokenWords
    transcript_source: TranscriptSource
    consent: _ArchivedConsent | None

    @property
    def fields(self) -> ProfileFields:
        """What its owner said of it."""
        return self.profile.model_copy(update={"transcript": self.transcript})

    @property
    def consent_note(self) -> Consent | None:
        """The consent as it was given."""
        given = self.consent
        return None if given is None else Consent(given.given_by, given.purpose, given.at)


def write_archive(profile: VoiceProfile, reference: bytes) -> bytes:
    """Return the archive of a profile."""
    note = profile.consent
    consent = None if note is None else _ArchivedConsent(given_by=note.given_by, purpose=note.purpose, at=note.at)
    described = ArchivedProfile(
        id=profile.id,
        profile=ProfileFields(
            name=profile.name,
            languages=list(profile.languages),
            tier=profile.tier,
            purpose=profile.purpose,
            speed=profile.speed,
            transcript_language=profile.transcript_language,
        ),
        transcript=profile.transcript,
        transcript_source=profile.transcript_source,
        consent=consent,
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PROFILE_MEMBER, json.dumps(described.model_dump(), ensure_ascii=False, indent=1))
        archive.writestr(REFERENCE_MEMBER, reference)
    return made.getvalue()


def read_archive(file: BinaryIO, reference: Path) -> ArchivedProfile:
    """Return the profile in an archive and write its recording, unchecked, to `reference`; raises ArchiveInvalid."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = sorted(archive.namelist())
            if names != [PROFILE_MEMBER, REFERENCE_MEMBER]:
                raise ArchiveInvalid("the archive holds something else than one profile and its recording")
            described = _member(archive, PROFILE_MEMBER, _MAX_PROFILE_BYTES)
            recording = _member(archive, REFERENCE_MEMBER, _MAX_REFERENCE_BYTES)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise ArchiveInvalid("the file is no archive of a voice profile") from None
    except Exception as error:
        if isinstance(error, ArchiveInvalid):
            raise
        # zlib.error and its like: whatever a broken archive makes its reader raise.
        raise ArchiveInvalid("the archive is damaged") from None
    try:
        profile = ArchivedProfile.model_validate_json(described)
    except ValidationError:  # its text would repeat what the archive says
        raise ArchiveInvalid("the profile in the archive cannot be used") from None
    if not is_voice_id(profile.id) or profile.profile.transcript or profile.profile.consent:
        raise ArchiveInvalid("the profile in the archive cannot be used")
    reference.write_bytes(recording)
    return profile


def _member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    # What the archive says of its sizes is not believed: it is read up to the bound and no further.
    with archive.open(name) as member:
        content = member.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ArchiveInvalid("the archive is larger than a profile can be")
    return content
