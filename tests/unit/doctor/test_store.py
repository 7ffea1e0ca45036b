"""What the doctor says of the history and of who may read it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from avatar_appliance.config import Settings
from avatar_appliance.doctor.finding import Severity
from avatar_appliance.doctor.privacy import private_folder
from avatar_appliance.doctor.store import store


def settings(folder: Path) -> Settings:
    return Settings.from_sources({"paths": {"state_dir": str(folder)}}, {})


def database(folder: Path) -> Path:
    path = folder / "avatar.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    connection.close()
    return path


def test_an_intact_history_is_fine_and_stays_as_it_is(tmp_path: Path) -> None:
    path = database(tmp_path)
    before = path.read_bytes()
    assert store(settings(tmp_path)).severity is Severity.FINE
    assert path.read_bytes() == before


def test_a_damaged_page_is_a_problem_with_a_way_out(tmp_path: Path) -> None:
    path = database(tmp_path)
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 4096)
    finding = store(settings(tmp_path))
    assert finding.severity is Severity.PROBLEM
    assert "avatar restore" in finding.fix


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "avatar.db").write_bytes(b"not a database, but long enough" * 200)
    assert store(settings(tmp_path)).severity is Severity.PROBLEM


def test_no_history_yet_is_fine_and_none_is_made(tmp_path: Path) -> None:
    assert store(settings(tmp_path)).severity is Severity.FINE
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_that_others_may_enter_is_a_warning(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    finding = private_folder(settings(tmp_path))
    assert finding.severity is Severity.WARNING
    assert "chmod 700" in finding.fix
    os.chmod(tmp_path, 0o700)
    assert private_folder(settings(tmp_path)).severity is Severity.FINE
