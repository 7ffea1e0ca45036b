"""The byte range of a request (RFC 9110, section 14), as far as players use it: one range of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from avatar_appliance.admin.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=(?:(?P<first>\d{1,18})-(?P<last>\d{0,18})|-(?P<suffix>\d{1,18}))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` to `last`, both included, of `size_bytes`."""

    first: int
    last: int
    size_bytes: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """Return the value of Content-Range."""
        return f"bytes {self.first}-{self.last}/{self.size_bytes}"


def requested_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """Return the range that a Range header asks for, None for everything; raises RangeNotSatisfiable.

    Other units, several ranges and nonsense are ignored, as the standard allows: the answer is the whole.
    """
    match = _ONE_RANGE.fullmatch(header.strip()) if header is not None else None
    if match is None:
        return None
    if match["suffix"] is not None:
        wanted = ByteRange(max(0, size_bytes - int(match["suffix"])), size_bytes - 1, size_bytes)
    else:
        first, last = int(match["first"]), int(match["last"] or size_bytes)
        if last < first:
            return None
        wanted = ByteRange(first, min(last, size_bytes - 1), size_bytes)
    if wanted.length < 1:
        raise RangeNotSatisfiable(f"the recording has {size_bytes} bytes")
    return wanted
