"""The scheduler is pure: no clock, no I/O, nothing but the nouns; so is the world it is tried in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import avatar_appliance.coordinator
import avatar_appliance.simulation

COORDINATOR = Path(avatar_appliance.coordinator.__file__).parent
CORE = (
    "account", "device_view", "eviction", "guest_mode", "moves", "outlook", "placement", "residency", "scheduler",
    "slot", "victims", "waiting_room", "wishes",
)  # fmt: skip
IMPURE = {"asyncio", "datetime", "logging", "os", "pathlib", "random", "socket", "subprocess", "threading", "time"}
FILES = [
    *(COORDINATOR / f"{name}.py" for name in CORE),
    *Path(avatar_appliance.simulation.__file__).parent.glob("*.py"),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_knows_no_clock_and_does_no_io(file: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    allowed = {"random"} if file.parent != COORDINATOR else set()  # the world draws from seeds
    assert not names & IMPURE - allowed
