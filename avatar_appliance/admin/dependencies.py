"""What the HTTP API works with, and how a route gets hold of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from avatar_appliance.chat import Chat
from avatar_appliance.client.wav import WavAudio
from avatar_appliance.coordinator.state import CoordinatorControl
from avatar_appliance.errors import ShuttingDown
from avatar_appliance.pronunciations import HouseholdPronunciations
from avatar_appliance.speech import SpeechFigures
from avatar_appliance.store import Store
from avatar_appliance.voices.voice_profiles import VoiceProfiles

from .authentication import TokenVerifier
from .health import HealthCheck
from .system_info import System


@dataclass(frozen=True, slots=True)
class AdminDependencies:
    """Ready collaborators of the HTTP API; the control plane makes and ends them."""

    store: Store
    token: TokenVerifier
    system: System
    coordinator: CoordinatorControl | None = None
    """None while it is not up."""
    voices: VoiceProfiles | None = None
    """None while they are not up."""
    pronunciations: HouseholdPronunciations | None = None
    """None while they are not up."""
    speech_figures: Callable[[], Awaitable[SpeechFigures]] | None = None
    """Asks the text-to-speech server how its speech is doing."""
    say: Callable[[str, str | None, str | None], Awaitable[WavAudio]] | None = None
    """Has the text-to-speech server say a text, in a voice or in any voice of a language."""
    chat: Chat | None = None
    """Talks from the panel; None while the servers cannot be asked."""
    max_upload_bytes: int = 32 * 1024 * 1024
    """Largest body of a request that sends a recording."""


async def _dependencies(request: Request) -> AdminDependencies:
    return cast("AdminDependencies", request.app.state.dependencies)


async def _health_check(request: Request) -> HealthCheck:
    return cast("HealthCheck", request.app.state.health_check)


async def _coordinator(request: Request) -> CoordinatorControl:
    coordinator = (await _dependencies(request)).coordinator
    if coordinator is None:
        raise ShuttingDown("the coordinator is not running")
    return coordinator


async def _voices(request: Request) -> VoiceProfiles:
    voices = (await _dependencies(request)).voices
    if voices is None:
        raise ShuttingDown("the voice profiles are not open")
    return voices


async def _pronunciations(request: Request) -> HouseholdPronunciations:
    pronunciations = (await _dependencies(request)).pronunciations
    if pronunciations is None:
        raise ShuttingDown("the pronunciations are not open")
    return pronunciations


async def _chat(request: Request) -> Chat:
    chat = (await _dependencies(request)).chat
    if chat is None:
        raise ShuttingDown("the servers cannot be asked")
    return chat


Dependencies = Annotated[AdminDependencies, Depends(_dependencies)]
Checker = Annotated[HealthCheck, Depends(_health_check)]
Coordinator = Annotated[CoordinatorControl, Depends(_coordinator)]
Voices = Annotated[VoiceProfiles, Depends(_voices)]
Pronunciations = Annotated[HouseholdPronunciations, Depends(_pronunciations)]
Talk = Annotated[Chat, Depends(_chat)]
