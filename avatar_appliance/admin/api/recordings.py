"""`/api/turns/{id}/audio/...`: what was heard and what was spoken."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.admin.errors import RangeNotSatisfiable
from avatar_appliance.admin.problem import problem
from avatar_appliance.errors import NotFound
from avatar_appliance.store import AudioDirection, AudioFile, Turn

from .byte_range import requested_range
from .parameters import Parameters
from .recording_response import RecordingResponse
from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/turns", tags=["turns"], dependencies=NEEDS_TOKEN)

_PATH = "/{turn_id}/audio/{direction}"
_WAV: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole recording.", "content": {"audio/wav": {}}},
    206: {"description": "The bytes asked for.", "content": {"audio/wav": {}}},
}


class RecordingParameters(Parameters):
    """Which recording of the turn."""

    part: int = Field(default=1, ge=1, le=1000)
    """An answer spoken in several pieces has as many parts."""


@router.head(_PATH, include_in_schema=False)
@router.get(_PATH, responses=_WAV, response_class=Response)
async def get_recording(
    deps: Dependencies,
    turn_id: str,
    direction: AudioDirection,
    query: Annotated[RecordingParameters, Query()],
    byte_range: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header(alias="If-Range")] = None,
) -> Response:
    """Return what was heard (`in`) or spoken (`out`), whole or the range asked for."""
    recording = _recording(await deps.store.turns.get(turn_id), direction, query.part)
    etag = f'"{recording.name}"'  # a file is written once, under a name of its own
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(await asyncio.to_thread(deps.store.audio.open, recording.name))
        size_bytes = os.fstat(file.fileno()).st_size
        try:
            wanted = requested_range(byte_range if if_range in (None, etag) else None, size_bytes)
        except RangeNotSatisfiable as error:
            return problem(error, headers={"Content-Range": f"bytes */{size_bytes}"})
        stack.pop_all()  # from here on the response closes it
    name = f"{turn_id}-{direction}.wav" if query.part == 1 else f"{turn_id}-{direction}-{query.part}.wav"
    return RecordingResponse(
        file, size_bytes, wanted, {"Content-Disposition": f'inline; filename="{name}"', "ETag": etag}
    )


def _recording(turn: Turn, direction: AudioDirection, part: int) -> AudioFile:
    kept = turn.audio_out if direction == "out" else (turn.audio_in,)
    if part > len(kept) or (recording := kept[part - 1]) is None:
        raise NotFound("there is no such recording", hint="It was not kept, or retention has deleted it.")
    return recording
