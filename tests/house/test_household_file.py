"""A household from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_servers.house.errors import HouseholdFileInvalid
from wyoming_servers.house.household import Household
from wyoming_servers.house.household_file import FileHousehold, read_household


def test_unquoted_yaml_values_are_states(tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text("entities:\n  light.a: {name: A, state: on}\n  sensor.b: {name: B, state: 21.5}\n", "utf-8")
    states = read_household(file).states
    assert (states["light.a"].value, states["sensor.b"].value) == ("on", "21.5")


def test_an_empty_file_is_an_empty_house(tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text("", "utf-8")
    assert read_household(file) == Household()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("entities: {lamp: {name: A}}", "entities.lamp"),
        ("entities: {light.a: {nam: A}}", "entities.light.a.nam"),
        ("entities: {light.a: {name: A, area: nowhere}}", "nowhere"),
        ("areas: {a: {name: A, floor: nowhere}}", "nowhere"),
        ("devices: {d: nowhere}", "nowhere"),
        ("rooms: {}", "rooms"),
        ("- a list", "valid dictionary"),
        ("a: [", "no valid YAML"),
        ("entities: {light.a: {name: ''}}", "at least 1 character"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "house.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(HouseholdFileInvalid, match=str(file)) as caught:
        read_household(file)
    assert named in caught.value.text


def test_a_missing_file_and_other_bytes_are_named(tmp_path: Path) -> None:
    with pytest.raises(HouseholdFileInvalid, match="cannot be read"):
        read_household(tmp_path / "nothing.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HouseholdFileInvalid, match="cannot be read"):
        read_household(tmp_path / "bytes.yaml")


async def test_a_file_is_no_live_house(tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text("entities: {light.a: {name: A}}", "utf-8")
    source = FileHousehold(file)
    await source.start()
    assert not source.is_live
    assert [e.entity_id for e in source.household().layout.entities] == ["light.a"]
    assert not await source.wait_until(lambda _: True, 0)
    await source.close()


async def test_without_a_file_the_house_is_empty() -> None:
    source = FileHousehold(None)
    await source.start()
    assert source.household() == Household()
