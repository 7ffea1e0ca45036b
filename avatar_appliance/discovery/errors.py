"""Errors of discovery; the announcer itself raises none of them, it reports a `Notice` instead."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, BadRequest


class DiscoveryUnavailable(AvatarError):
    """Multicast DNS cannot be used on this machine now (no network, port 5353 or multicast refused)."""

    code = "discovery-unavailable"
    default_hint = "Give Home Assistant host and port by hand: Devices & services, Add integration, Wyoming Protocol."
    http_status = 503
    retryable = True


class AnnouncementInvalid(BadRequest):
    """A service cannot be announced as described: role, port or a TXT property is out of bounds."""

    code = "announcement-invalid"
    default_hint = "This is a defect of the caller: see the text for the field and its bounds."
