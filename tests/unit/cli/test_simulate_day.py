"""`avatar simulate-day`: a summary, JSON, and the files of the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatar_appliance.cli import commands  # noqa: F401 - importing registers them
from avatar_appliance.cli.app import app


def test_the_report_and_the_picture_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "results"
    done = CliRunner().invoke(app, ["simulate-day", "--hours", "0.5", "--output", str(folder)])
    assert done.exit_code == 0
    assert "turns, " in done.output
    assert json.loads((folder / "simulated-day.json").read_text("utf-8"))["card_gib"] == 24
    assert (folder / "simulated-day.svg").read_text("utf-8").startswith("<svg ")


def test_the_card_may_have_another_size() -> None:
    done = CliRunner().invoke(app, ["simulate-day", "--gpu", "16GiB", "--hours", "0.5", "--json"])
    assert json.loads(done.stdout)["card_gib"] == 16


@pytest.mark.parametrize("size", ["many", "4GiB"])
def test_a_card_that_is_none_is_refused(size: str) -> None:
    done = CliRunner().invoke(app, ["simulate-day", "--gpu", size])
    assert done.exit_code == 2
    assert "--gpu" in done.output
