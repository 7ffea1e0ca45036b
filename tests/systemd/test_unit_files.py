"""The units that ship: systemd understands every line, and they agree with the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from avatar_appliance.config import section
from avatar_appliance.processes.unit_names import UnitNames

UNITS = Path(__file__).parents[2] / "systemd"
ANALYZE = shutil.which("systemd-analyze")


def verify(folder: Path, *units: str) -> str:
    assert ANALYZE
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", *units], capture_output=True, text=True, cwd=folder,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"},
    )  # fmt: skip
    return f"{done.stdout}{done.stderr}" + (f"exit code {done.returncode}" if done.returncode else "")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a folder of their own, with programs that exist."""
    if ANALYZE is None:
        pytest.skip("needs systemd-analyze")
    for file in (found for kind in ("service", "target", "slice", "timer") for found in UNITS.glob(f"*.{kind}")):
        text = re.sub(r"/opt/avatar/current/venv/bin/\w+", shutil.which("true") or "/bin/true", file.read_text())
        (tmp_path / file.name).write_text(text)
    return tmp_path


INSTANCES = (
    "avatar.target", "avatar.slice", "avatar-control.service",
    "avatar-wyoming@asr.service", "avatar-worker@f5-tts_1.0.service", "avatar-backup.service", "avatar-backup.timer",
)  # fmt: skip


@pytest.mark.parametrize("unit", INSTANCES)
def test_systemd_understands_every_line(installed: Path, unit: str) -> None:
    if "@" in unit:
        template = re.sub(r"@.*\.", "@.", unit)
        shutil.copy(installed / template, installed / unit)
    assert verify(installed, unit) == ""


def test_a_line_that_is_wrong_would_be_seen(installed: Path) -> None:
    file = installed / "avatar-control.service"
    file.write_text(file.read_text() + "\nProtectEverything=yes\n")
    assert "ProtectEverything" in verify(installed, file.name)


def test_each_role_has_its_template() -> None:
    for template in UnitNames().templates.values():
        text = (UNITS / f"{template}.service").read_text()
        assert "Type=notify\n" in text, "active means ready"
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert not [line for line in lines if "%I" in line], "names hold dashes, and %I makes slashes of them"


def test_workers_are_never_restarted_by_systemd() -> None:
    assert "\nRestart=no\n" in (UNITS / "avatar-worker@.service").read_text()


def test_polkit_allows_just_the_names_that_the_configuration_allows() -> None:
    rule = (UNITS / "50-avatar.rules").read_text()
    match = re.search(r"/\^avatar-worker@(.*)\\\.service\$/\.test", rule)
    assert match
    [pattern] = [data.pattern for data in section.Name.__metadata__[0].metadata if hasattr(data, "pattern")]
    assert pattern == f"^{match[1]}$"


def test_polkit_allows_no_transient_unit_which_could_run_anything_as_root() -> None:
    """systemd 257 asks for them as for a plain start of that name; tried on Debian 13: only the message differs."""
    rule = (UNITS / "50-avatar.rules").read_text()
    assert 'message.indexOf("transient") < 0 &&' in rule
    assert 'var message = action.lookup("polkit.message")' in rule


def test_the_backup_is_made_by_the_command_that_owners_use_and_nothing_of_it_is_an_argument_to_hide() -> None:
    text = (UNITS / "avatar-backup.service").read_text()
    assert "\nType=oneshot\n" in text
    [command] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert command.split()[1:] == ["backup", "create", "--config", "/etc/avatar/config.yaml"]


def test_a_backup_that_was_missed_is_made_up_for() -> None:
    text = (UNITS / "avatar-backup.timer").read_text()
    assert "\nPersistent=true\n" in text
    assert "Unit=" not in text, "it starts the service of its own name"
    assert "\nWantedBy=timers.target\n" in text
