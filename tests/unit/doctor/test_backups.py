"""What the doctor says of backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avatar_appliance.backup.backup_file import free_path
from avatar_appliance.config import Settings
from avatar_appliance.doctor.backups import backups
from avatar_appliance.doctor.finding import Severity

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


def settings(tmp_path: Path, folder: Path | None = None) -> Settings:
    tree = {"paths": {"state_dir": str(tmp_path / "state")}, "backup": {"folder": str(folder) if folder else None}}
    return Settings.from_sources(tree, {})


def test_a_house_without_a_backup_is_told_how_to_make_one(tmp_path: Path) -> None:
    finding = backups(settings(tmp_path), NOW)
    assert finding.severity is Severity.FINE
    assert "`avatar backup`" in finding.fix


@pytest.mark.parametrize(("days", "severity"), [(1, Severity.FINE), (7, Severity.FINE), (9, Severity.WARNING)])
def test_a_backup_that_is_old_is_a_warning(days: int, severity: Severity, tmp_path: Path) -> None:
    for age in (days, days + 1):
        free_path(tmp_path, "0123abcd", NOW - timedelta(days=age), encrypted=True).write_text("x")
    finding = backups(settings(tmp_path, tmp_path), NOW)
    assert finding.severity is severity
    assert finding.text.startswith("2 in ")


def test_a_share_that_is_not_mounted_is_a_problem(tmp_path: Path) -> None:
    finding = backups(settings(tmp_path, tmp_path / "nas"), NOW)
    assert finding.severity is Severity.PROBLEM
    assert "is not there" in finding.text


def test_the_doctor_changes_nothing(tmp_path: Path) -> None:
    backups(settings(tmp_path), NOW)
    assert list(tmp_path.iterdir()) == []
