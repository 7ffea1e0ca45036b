"""What the servers under measurement say about themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal

from wyoming.info import Artifact, AsrProgram, Info

from avatar_appliance.client import describe

from .options import Endpoints
from .report import Program

MOST_NAMES = 10  # a stock Piper server lists some hundred voices it could download


async def appliance_programs(endpoints: Endpoints) -> tuple[tuple[Program, ...], bool]:
    """Return the programs of the three servers, and whether the ASR server leaves the end of speech to its client.

    Raises what `describe` raises when one of them is not there.
    """
    asr = await describe(endpoints.asr)
    tts = await describe(endpoints.tts)
    handle = await describe(endpoints.conversation)
    programs = (*programs_of("asr", asr), *programs_of("tts", tts), *programs_of("conversation", handle))
    return programs, client_ends_speech(asr)


def programs_of(
    role: Literal["asr", "tts", "conversation"], info: Info, *, only: str | None = None
) -> tuple[Program, ...]:
    """Return the installed programs of a role, each with its installed models or voices (of these `only` one)."""
    offered: list[tuple[Artifact, Sequence[Artifact]]]
    match role:
        case "asr":
            offered = [(program, program.models) for program in info.asr]
        case "tts":
            offered = [(program, program.voices) for program in info.tts]
        case "conversation":
            offered = [(program, program.models) for program in info.handle]
    return tuple(
        Program(
            role=role,
            name=program.name,
            version=program.version,
            models=tuple(_public(e.name) for e in entries if e.installed and only in (None, e.name))[:MOST_NAMES],
        )
        for program, entries in offered
        if program.installed
    )


def client_ends_speech(info: Info) -> bool:
    """Return whether the client has to find the end of speech; Home Assistant looks at the first program alone."""
    programs: list[AsrProgram] = info.asr
    return not programs or programs[0].requires_external_vad is not False


def _public(name: str) -> str:
    # A stock server names a model by its path, which may say who lives here.
    return PurePath(name).name or name
