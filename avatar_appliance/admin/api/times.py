"""Times as the API shows them: moments in UTC, durations in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(epoch_s: float) -> datetime:
    """Return epoch seconds as a moment in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC)


def milliseconds(start: float | None, end: float | None) -> float | None:
    """Return the time from `start` to `end` (epoch seconds) to a tenth of a millisecond; None if either is."""
    return None if start is None or end is None else round((end - start) * 1000, 1)
