from __future__ import annotations

import pytest

from avatar_appliance.cli.memory_bar import memory_bar


def bar(total: int, budget: int, ours: dict[str, int], foreign: int) -> str:
    return memory_bar(total, budget, ours, foreign, width=10).plain


def test_shares_are_to_scale() -> None:
    assert bar(100, 90, {"a": 30, "b": 20}, 10) == "▕█████▓··· ▏"


@pytest.mark.parametrize(
    ("ours", "foreign"), [({}, 0), ({"a": 100}, 0), ({"a": 3, "b": 3, "c": 3}, 91), ({"a": 500}, 500), ({}, 1000)]
)
def test_it_is_always_as_wide(ours: dict[str, int], foreign: int) -> None:
    assert len(bar(100, 90, ours, foreign)) == 12


def test_a_device_without_memory_is_an_empty_bar() -> None:
    assert len(bar(0, 0, {}, 0)) <= 12
