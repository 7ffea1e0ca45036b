"""What one server wants Home Assistant to know about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import AnnouncementInvalid

SERVICE_TYPE = "_wyoming._tcp.local."
"""The DNS-SD type Home Assistant browses for."""

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,19}")
_KEY = re.compile(r"[\x20-\x3c\x3e-\x7e]{1,32}")  # printable ASCII without "=" (RFC 6763, section 6.4)
_MAX_ENTRY_BYTES = 255  # a TXT string has one length byte
_MAX_TXT_BYTES = 400  # "fits in one small packet" (RFC 6763, section 6.2)


@dataclass(frozen=True, slots=True)
class ServiceAnnouncement:
    """One Wyoming server: role (asr, tts, conversation), TCP port, the house's name, extra TXT properties.

    Role and title decide the name on the network, and Home Assistant keys its entry by that name: a changed
    title is a new service to it. Raises AnnouncementInvalid when a field is out of bounds.
    """

    role: str
    port: int
    title: str
    properties: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _ROLE.fullmatch(self.role):
            raise AnnouncementInvalid(f"role {self.role!r} is not a short lower-case word")
        if not 1 <= self.port <= 65535:
            raise AnnouncementInvalid(f"port {self.port} is not between 1 and 65535")
        total_bytes = 0
        for key, value in self.properties.items():
            size_bytes = len(f"{key}={value}".encode())
            total_bytes += size_bytes + 1
            if not _KEY.fullmatch(key) or size_bytes > _MAX_ENTRY_BYTES:
                raise AnnouncementInvalid(f"TXT property {key!r} is not printable ASCII, or too long")
        if total_bytes > _MAX_TXT_BYTES:
            raise AnnouncementInvalid(f"the TXT properties take {total_bytes} of at most {_MAX_TXT_BYTES} bytes")
