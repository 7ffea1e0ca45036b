"""Spans of time as people write them: `90s`, `30m`, `2h`, `1h30m`, `1d`."""

from __future__ import annotations

import re

import typer

_UNITS_S = {"d": 86_400, "h": 3600, "m": 60, "min": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")


def parse_duration_s(text: str) -> float:
    """Return the seconds; raises typer.BadParameter for anything else."""
    value = text.strip().lower()
    if not _WHOLE.fullmatch(value):
        raise typer.BadParameter(f"{text!r} is no span of time; write it as 90s, 30m, 2h, 1h30m or 1d")
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(value))


def format_duration(seconds: float, *, units: int = 2) -> str:
    """Return the span for people, in its largest units: `1 h 30 min`, `45 s`, `2 d`."""
    left, parts = round(seconds), []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:units]) or "0 s"
