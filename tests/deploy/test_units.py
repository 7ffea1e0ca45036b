"""How much harm each unit could do, by systemd's own reckoning. (That they are well-formed: tests/systemd.)"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from roles import ROOT

UNITS = ROOT / "systemd"
SYSTEM_UNITS = Path("/usr/lib/systemd/system")
INSTANCES = (
    "avatar-control.service",
    "avatar-wyoming@asr.service",
    "avatar-worker@piper.service",
    "avatar-backup.service",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system with systemd's own targets, our units, and the programs they start."""
    if shutil.which("systemd-analyze") is None:
        if "CI" in os.environ:
            pytest.fail("systemd-analyze is missing (scripts/system-packages test)")
        pytest.skip("needs systemd-analyze")
    root = tmp_path_factory.mktemp("root")
    programs = root / "opt/avatar/current/venv/bin"
    ours, theirs = root / "etc/systemd/system", root / "usr/lib/systemd/system"
    for folder in (programs, ours, theirs):
        folder.mkdir(parents=True)
    for name in ("avatar", "python"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    for unit in SYSTEM_UNITS.glob("*.target"):
        shutil.copy(unit, theirs)
    for unit in UNITS.glob("avatar*"):
        shutil.copy(unit, ours)
    return root


def analyze(root: Path, verb: str, *arguments: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", verb, f"--root={root}", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def exposure(root: Path, unit: str) -> float:
    """0 is safe, 10 is not."""
    said = analyze(root, "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found.group(1))


def stated() -> dict[str, float]:
    """The scores in the docs."""
    page = (ROOT / "docs/provisioning.md").read_text("utf-8")
    return {unit: float(score) for unit, score in re.findall(r"^\| `(avatar-\S+)` \| ([\d.]+) \|", page, re.MULTILINE)}


@pytest.mark.parametrize("instance", INSTANCES)
def test_a_unit_is_no_more_exposed_than_stated(root: Path, instance: str) -> None:
    template = re.sub(r"@\w+", "@", instance)
    # Another version of systemd weighs a little differently.
    assert exposure(root, instance) <= stated()[template] + 0.2


def test_every_service_is_stated() -> None:
    assert set(stated()) == {path.name for path in UNITS.glob("*.service")}


@pytest.mark.parametrize("path", sorted(UNITS.glob("*.service")), ids=lambda path: path.name)
def test_what_a_unit_may_do_more_than_others_has_its_reason_beside_it(path: Path) -> None:
    """Every loosening of the common set is named in a comment."""
    text = path.read_text("utf-8")
    comments = " ".join(re.findall(r"^#(.*)$", text, re.MULTILINE))
    strict = {
        "MemoryDenyWriteExecute": "yes",
        "PrivateUsers": "yes",
        "PrivateDevices": "yes",
        "ProtectProc": "invisible",
    }
    for key, value in strict.items():
        assert f"{key}={value}" in text or key in comments, key


def test_the_user_may_write_no_program_that_a_unit_starts() -> None:
    for path in UNITS.glob("*.service"):
        programs = re.findall(r"^Exec\w+=[+!@-]*(\S+)", path.read_text("utf-8"), re.MULTILINE)
        assert programs
        assert all(program.startswith(("/opt/avatar/current/venv/bin/", "/usr/bin/")) for program in programs)


def test_all_units_agree_on_their_folders() -> None:
    """The first unit that starts makes them; another mode in the next one would change it under the first."""
    seen = set()
    for path in UNITS.glob("*.service"):
        text = path.read_text("utf-8")
        seen.add(tuple(re.findall(r"^(?:\w+Directory\w*|UMask|User|Slice)=.*$", text, re.MULTILINE)))
    assert len({tuple(sorted(each)) for each in seen}) == 1


@pytest.mark.parametrize("unit", ["avatar-control.service", "avatar-wyoming@.service"])
def test_a_server_is_started_anew_however_it_ended_but_for_a_configuration_that_cannot_work(unit: str) -> None:
    text = (UNITS / unit).read_text("utf-8")
    for line in ("Restart=always", "RestartPreventExitStatus=78", "StartLimitIntervalSec=0", "WatchdogSec=30"):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("path", sorted(UNITS.glob("*.service")), ids=lambda path: path.name)
def test_no_core_is_written_since_it_would_hold_what_people_said(path: Path) -> None:
    assert "\nLimitCORE=0\n" in path.read_text("utf-8")
