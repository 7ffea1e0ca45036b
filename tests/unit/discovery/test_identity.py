"""The machine's id: stable, not the machine-id itself, and never a reason to stop."""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

import pytest

from avatar_appliance.discovery import load_machine_identity
from avatar_appliance.discovery.identity import APPLICATION_ID, app_specific_id

MACHINE_ID = "b5c1b0e2a4d94f3e8f6a7b8c9d0e1f2a"


@pytest.fixture
def machine_id_file(tmp_path: Path) -> Path:
    path = tmp_path / "machine-id"
    path.write_text(f"{MACHINE_ID}\n")
    return path


def test_the_id_is_derived_from_the_machine_id_and_does_not_show_it(tmp_path: Path, machine_id_file: Path) -> None:
    found = load_machine_identity(tmp_path / "state", machine_id_file=machine_id_file)
    assert found.source == "machine-id"
    assert found.id == app_specific_id(MACHINE_ID) != MACHINE_ID
    assert found.short == found.id[:8]
    assert not (tmp_path / "state").exists()


def test_the_same_machine_always_has_the_same_id() -> None:
    """A golden value: changing the derivation would rename every installed appliance."""
    assert app_specific_id(MACHINE_ID) == "ccf4b8c9c2d84bc7953a2365e0c1eec0"


@pytest.mark.skipif(not shutil.which("systemd-id128") or not Path("/etc/machine-id").exists(), reason="needs systemd")
def test_the_derivation_is_that_of_systemd() -> None:
    command = ["systemd-id128", "machine-id", f"--app-specific={APPLICATION_ID.hex()}"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        pytest.skip("this machine has no usable machine-id")
    machine_id = Path("/etc/machine-id").read_text().strip()
    assert app_specific_id(machine_id) == outcome.stdout.strip()


@pytest.mark.parametrize("content", [None, "", "uninitialized\n", "0" * 32, "not hex at all", "ü"])
def test_without_a_machine_id_one_is_made_and_kept(tmp_path: Path, content: str | None) -> None:
    machine_id_file = tmp_path / "machine-id"
    if content is not None:
        machine_id_file.write_text(content)
    first = load_machine_identity(tmp_path / "state", machine_id_file=machine_id_file)
    second = load_machine_identity(tmp_path / "state", machine_id_file=machine_id_file)
    assert first == second
    assert first.source == "id-file"
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["discovery-id"]


def test_a_kept_id_outlives_the_arrival_of_a_machine_id(tmp_path: Path, machine_id_file: Path) -> None:
    made = load_machine_identity(tmp_path, machine_id_file=tmp_path / "none")
    assert load_machine_identity(tmp_path, machine_id_file=machine_id_file).id == made.id


def test_a_broken_id_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "discovery-id").write_text("rubbish")
    made = load_machine_identity(tmp_path, machine_id_file=tmp_path / "none")
    assert load_machine_identity(tmp_path, machine_id_file=tmp_path / "none") == made
    assert (tmp_path / "discovery-id").read_text().strip() == made.id


def test_two_machines_without_machine_id_differ(tmp_path: Path) -> None:
    ids = {load_machine_identity(tmp_path / n, machine_id_file=tmp_path / "none").id for n in "ab"}
    assert len(ids) == 2


def test_a_state_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file, where a folder should be")
    with caplog.at_level(logging.WARNING):
        found = load_machine_identity(blocked / "state", machine_id_file=tmp_path / "none")
    assert found.source == "memory"
    assert len(found.short) == 8
    assert "after each restart" in caplog.text
