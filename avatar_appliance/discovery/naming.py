"""Names on the network, within the limits of DNS-SD (RFC 6763, 4.1.1: UTF-8, NFC, 63 bytes a label)."""

from __future__ import annotations

import unicodedata

_LABEL_BYTES = 63
_JOINER = "\u200d"
_DEFAULT_TITLE = "AVATAR"


def instance_label(title: str, role: str, short_id: str, attempt: int = 1) -> str:
    """Return `TITLE ROLE ID`, plus `-N` from the second attempt on; only the title is cut when too long."""
    tail = f" {role} {short_id}{_suffix(attempt)}"
    return _fit(_presentable(title), _LABEL_BYTES - len(tail.encode())) + tail


def host_name(role: str, short_id: str, attempt: int = 1) -> str:
    """Return the host name, ending in `.local.`, that carries the addresses of one service.

    Each service has its own, so that the goodbye of one never takes away the addresses of another, and so
    that two machines that were cloned from one image do not fight over a name.
    """
    return f"avatar-{role}-{short_id}{_suffix(attempt)}.local."


def _suffix(attempt: int) -> str:
    return f"-{attempt}" if attempt > 1 else ""


def _presentable(title: str) -> str:
    # Dots separate labels in zeroconf's text form of a name, and a leading "_" marks a service type.
    kept = "".join(
        " " if char == "." or unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in unicodedata.normalize("NFC", title)
        if unicodedata.category(char) != "Cs"
    )
    return " ".join(kept.split()).lstrip("_ ") or _DEFAULT_TITLE


def _fit(text: str, room_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= room_bytes:
        return text
    cut = encoded[:room_bytes].decode(errors="ignore")
    # Whole characters as people see them: not a letter without its accent, not half a family emoji.
    while cut and (_continues(text[len(cut)]) or cut.endswith(_JOINER)):
        cut = cut[:-1]
    return cut.rstrip()


def _continues(char: str) -> bool:
    return char == _JOINER or unicodedata.category(char) in {"Mn", "Mc", "Me"} or "\U0001f3fb" <= char <= "\U0001f3ff"
