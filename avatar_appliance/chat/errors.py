"""What only a talk from the panel can meet."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, BadRequest, NotFound


class HomeAssistantNeeded(AvatarError):
    """The answer is a command that only Home Assistant can carry out, and it did not ask."""

    code = "home-assistant-needed"
    default_hint = (
        "Set `home_assistant.url` and its token: then the box carries commands out itself (docs/home-assistant.md)."
    )
    http_status = 409


class SoundMissing(BadRequest):
    """A piece of a spoken question came before the one in front of it, or that one never came."""

    code = "sound-missing"
    default_hint = "Send the pieces one after the other; `position` is the number of bytes sent before."
    http_status = 409


class TurnOver(NotFound):
    """No turn of this id is under way."""

    code = "turn-over"
    default_hint = "It has ended, or its page has gone; ask again."
