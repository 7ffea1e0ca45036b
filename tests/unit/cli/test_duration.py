from __future__ import annotations

import pytest

from avatar_appliance.cli.duration import format_duration, parse_duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("30min", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400), ("1d", 86_400),
     (" 2 H ", 7200), ("1h 30m", 5400)],
)  # fmt: skip
def test_spans_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (75, "1 min 15 s"), (5400, "1 h 30 min"), (86_400 * 2 + 3, "2 d 3 s")],
)
def test_spans_are_told_in_their_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
