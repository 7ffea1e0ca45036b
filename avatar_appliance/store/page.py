"""Keyset pagination: a page starts after the last row of the one before, so new rows never shift it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from avatar_appliance.errors import BadRequest

T = TypeVar("T")

MAX_PAGE_ROWS = 200
_MAX_CURSOR_CHARS = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, newest first; `next_cursor` asks for the page after them (None: there is none)."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def checked_limit(limit: int) -> int:
    """Return `limit` if a page may have that many rows; raises BadRequest."""
    if not 1 <= limit <= MAX_PAGE_ROWS:
        raise BadRequest(f"a page has 1 to {MAX_PAGE_ROWS} rows")
    return limit


def write_cursor(at: float, row_id: str) -> str:
    """Return the cursor that stands after the row `row_id` of time `at`."""
    return f"{at!r}~{row_id}"


def read_cursor(cursor: str) -> tuple[float, str]:
    """Return the time and row id of a cursor; raises BadRequest."""
    at, separator, row_id = cursor.partition("~")
    try:
        seconds = float(at)
    except ValueError:
        seconds = math.nan
    if not separator or not row_id or not math.isfinite(seconds) or len(cursor) > _MAX_CURSOR_CHARS:
        raise BadRequest("this page cursor is not one of ours", hint="Start again from the first page.")
    return seconds, row_id
