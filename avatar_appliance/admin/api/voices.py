"""`/api/voices`: voices of the household, from a recording to a voice that speaks."""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Path, Response, UploadFile
from pydantic import Json

from avatar_appliance.admin.dependencies import Voices
from avatar_appliance.voices.profile_fields import ProfileChange, ProfileFields, SpokenWords

from .recording_response import RecordingResponse
from .responses import NEEDS_TOKEN
from .voices_models import VoiceList, VoiceView

router = APIRouter(prefix="/api/voices", tags=["voices"], dependencies=NEEDS_TOKEN)

UPLOAD_PATHS = re.compile(r"/api/voices(?:/import|/[^/]+/recording)?")
"""Where a body may be as large as a recording is."""

VoiceId = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", description="A profile's `id`.")]
Recording = Annotated[UploadFile, File(description="WAV, MP3, FLAC, M4A, Ogg or WebM, whatever the name says.")]
Archive = Annotated[UploadFile, File(description="An exported profile.")]
_WAV: dict[int | str, dict[str, Any]] = {200: {"description": "The recording.", "content": {"audio/wav": {}}}}
_ZIP: dict[int | str, dict[str, Any]] = {200: {"description": "The archive.", "content": {"application/zip": {}}}}


@router.get("")
async def list_voices(voices: Voices) -> VoiceList:
    """List the profiles, and the workers that can speak with them."""
    return VoiceList.of(await voices.all(), voices.cloners)


@router.post("", status_code=HTTPStatus.CREATED)
async def create(
    voices: Voices,
    recording: Recording,
    profile: Annotated[Json[ProfileFields], Form(description="The profile's fields as JSON.")],
) -> VoiceView:
    """Make a profile of a recording; it is checked and tried in the background, `state` says how far that is."""
    return VoiceView.of(await voices.create(profile, recording.file))


@router.post("/import", status_code=HTTPStatus.CREATED)
async def import_voice(
    voices: Voices, archive: Annotated[UploadFile, File(description="An exported profile.")]
) -> VoiceView:
    """Make a profile of an exported one; where its id is taken, it gets another."""
    return VoiceView.of(await voices.import_archive(archive.file))


@router.get("/{voice_id}")
async def get_voice(voices: Voices, voice_id: VoiceId) -> VoiceView:
    """Return one profile."""
    return VoiceView.of(await voices.get(voice_id))


@router.patch("/{voice_id}")
async def change(voices: Voices, voice_id: VoiceId, change: ProfileChange) -> VoiceView:
    """Change a profile; other words are checked again, and `consent: null` ends the voice."""
    return VoiceView.of(await voices.change(voice_id, change))


@router.put("/{voice_id}/recording")
async def record(
    voices: Voices,
    voice_id: VoiceId,
    recording: Recording,
    transcript: Annotated[SpokenWords, Form(description="What is said in it; default: written down here.")] = "",
) -> VoiceView:
    """Take another recording; where it is refused, the old one stays."""
    return VoiceView.of(await voices.record(voice_id, recording.file, transcript))


@router.post("/{voice_id}/default")
async def set_default(voices: Voices, voice_id: VoiceId) -> VoiceView:
    """Make it the voice that speaks where none is asked for; of each purpose there is one."""
    return VoiceView.of(await voices.change(voice_id, ProfileChange(is_default=True)))


@router.post("/{voice_id}/check", status_code=HTTPStatus.ACCEPTED)
async def check(voices: Voices, voice_id: VoiceId) -> VoiceView:
    """Check a profile again, and let it say its test sentence."""
    return VoiceView.of(await voices.check(voice_id))


@router.delete("/{voice_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete(voices: Voices, voice_id: VoiceId) -> None:
    """Delete a profile with its recording."""
    await voices.delete(voice_id)


@router.get("/{voice_id}/reference.wav", responses=_WAV, response_class=Response)
async def get_reference(voices: Voices, voice_id: VoiceId) -> Response:
    """Return the part of the recording that the engines learn from."""
    file = await voices.open_reference(voice_id)
    headers = {"Content-Disposition": f'inline; filename="{voice_id}.wav"', "Accept-Ranges": "none"}
    return RecordingResponse(file, os.fstat(file.fileno()).st_size, None, headers)


@router.get("/{voice_id}/export", responses=_ZIP, response_class=Response)
async def export(voices: Voices, voice_id: VoiceId) -> Response:
    """Return the profile as one file, to be imported elsewhere."""
    archive = await voices.export(voice_id)
    name = f'attachment; filename="{voice_id}.avatar-voice.zip"'
    return Response(archive, media_type="application/zip", headers={"Content-Disposition": name})
