"""Sizes in the configuration, as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from avatar_appliance.config.section import Section
from avatar_appliance.config.size import Size, format_size, parse_size


class Example(Section):
    size: Size | None = None


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("500MiB", 500 * 2**20),
        ("7.1 GiB", 7_623_566_950),
        ("24GB", 24 * 10**9),
        (" 24 gib ", 24 * 2**30),
        ("1TiB", 2**40),
        ("5 KB", 5000),
        ("12B", 12),
        ("4096", 4096),
        (4096, 4096),
        (0, 0),
        ("0.5KiB", 512),
    ],
)
def test_a_size_is_a_number_with_its_unit_or_bytes(text: Any, size_bytes: int) -> None:
    assert Example(size=text).size == size_bytes


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1,5 GiB", "7.1GiB"),
        ("5 GiB or so", "7.1GiB"),
        ("", "7.1GiB"),
        ("-1GiB", "7.1GiB"),
        ("1e9", "7.1GiB"),
        ("٣GiB", "7.1GiB"),
        (7.1, "with its unit"),
        (True, "with its unit"),
        (float("nan"), "with its unit"),
        ([1], "with its unit"),
        ("7.1", "a number of bytes is whole"),
        ("24G", "write GiB or GB"),
        ("24k", "write kiB or kB"),
        ("12 apples", "'apples' is no unit"),
        (-1, "between 0 and"),
        ("9999999TiB", "between 0 and"),
        ("9" * 5000, "that many digits"),
        ("0." + "9" * 5000 + "GiB", "that many digits"),
    ],
)
def test_what_is_no_size_is_refused_with_the_way_to_write_it(value: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Example(size=value)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (893 * 2**20, "893 MiB"),
        (2**30 - 1, "1 GiB"),
        (7_623_566_950, "7.1 GiB"),
        (24 * 2**30, "24 GiB"),
        (-3 * 2**29, "-1.5 GiB"),
        (5000 * 2**40, "5000 TiB"),
    ],
)
def test_people_read_sizes_in_binary_units(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_for_people_can_be_read_back_and_is_off_by_one_twentieth_at_most(size_bytes: int) -> None:
    assert abs(parse_size(format_size(size_bytes)) - size_bytes) <= size_bytes / 20


@given(st.text(max_size=40))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        assert parse_size(text) >= 0
    except ValueError:
        pass


def test_the_schema_takes_what_the_program_takes() -> None:
    schema = TypeAdapter(Size).json_schema()
    assert [part["type"] for part in schema["anyOf"]] == ["integer", "string"]
