"""Names of units and where they are on the bus."""

from __future__ import annotations

import pytest

from avatar_appliance.errors import ConfigError
from avatar_appliance.processes.unit_names import UnitNames, unit_path

NAMES = UnitNames()


@pytest.mark.parametrize(
    ("role", "name", "unit"),
    [
        ("worker", "piper", "avatar-worker@piper.service"),
        ("worker", "f5-tts_1.0", "avatar-worker@f5-tts_1.0.service"),
        ("server", "asr", "avatar-wyoming@asr.service"),
    ],
)
def test_a_process_is_an_instance_of_the_template_of_its_role(role: str, name: str, unit: str) -> None:
    assert NAMES.unit(role, name) == unit
    assert NAMES.process(unit) == (role, name)


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a@b", "a b", "a\n", "x" * 240, "$(reboot)", "ä"])
def test_a_name_that_would_need_an_escape_is_none(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be part of a unit's name"):
        NAMES.unit("worker", name)


def test_a_role_without_a_template_has_no_units() -> None:
    with pytest.raises(ConfigError, match="'bridge'"):
        NAMES.unit("bridge", "mqtt")


@pytest.mark.parametrize(
    "unit",
    ["ssh.service", "avatar-control.service", "avatar-worker@.service", "avatar-worker@piper.socket",
     "avatar-worker@f5\\x2dtts.service", "my-avatar-worker@piper.service"],
)  # fmt: skip
def test_any_other_unit_is_none_of_ours(unit: str) -> None:
    assert NAMES.process(unit) is None


@pytest.mark.parametrize(
    ("unit", "path"),
    [
        # As `busctl tree org.freedesktop.systemd1` shows them.
        ("avatar-worker@f5-tts_1.0.service", "avatar_2dworker_40f5_2dtts_5f1_2e0_2eservice"),
        ("1a.service", "_31a_2eservice"),
        ("-.slice", "_2d_2eslice"),
    ],
)
def test_the_object_path_is_the_name_with_all_but_letters_and_digits_escaped(unit: str, path: str) -> None:
    assert unit_path(unit) == f"/org/freedesktop/systemd1/unit/{path}"
