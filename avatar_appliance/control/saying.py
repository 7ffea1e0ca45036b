"""Have the text-to-speech server say something for somebody at the panel."""

from __future__ import annotations

from avatar_appliance.client import ServerError, WavAudio, synthesize
from avatar_appliance.config import Settings
from avatar_appliance.errors import VoiceUnknown

from .announcing import local_endpoint

TIMEOUT_S = 60.0
"""The longest silence: a voice whose worker has to be loaded first is waited for."""


async def say(settings: Settings, text: str, voice: str | None, language: str | None) -> WavAudio:
    """Return the sound of `text`. Raises VoiceUnknown, and what a client of the server gets otherwise."""
    endpoint = local_endpoint(settings, "tts")
    try:
        speech = await synthesize(endpoint, text, voice=voice, language=language, timeout_s=TIMEOUT_S, played=True)
    except ServerError as error:
        if error.server_code == VoiceUnknown.code:
            raise VoiceUnknown("the list has no such voice (any more)") from None
        raise
    return speech.audio
