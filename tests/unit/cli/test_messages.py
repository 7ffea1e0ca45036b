"""What the owner sees: names that can be copied, defaults that are said, messages instead of tracebacks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from avatar_appliance.cli.__main__ import main
from avatar_appliance.models import load_catalogue


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AVATAR_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AVATAR_PATHS__CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def avatar(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["avatar", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_names_of_models_are_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are typed into `avatar models fetch`."""
    assert avatar(monkeypatch, "models", "list") == 0
    shown = capsys.readouterr().out
    assert [model.name for model in load_catalogue().models if model.name not in shown] == []
    assert "…" not in shown
    assert "* whisper-base" in shown


def test_help_says_which_configuration_file_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert avatar(monkeypatch, "up", "--help") == 0
    shown = capsys.readouterr().out
    assert "$AVATAR_CONFIG" in shown
    assert "/etc/avatar/config.yaml" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("listen", "nowhere.wav"), os.EX_DATAERR, "nowhere.wav: No such file"),
        (("listen", "."), os.EX_DATAERR, "Is a directory"),
        (("models", "verify", "nope"), os.EX_DATAERR, "model-unknown"),
        (("models", "verify", "whisper-base"), os.EX_SOFTWARE, "is missing"),
        (("worker", "nope"), os.EX_CONFIG, "error (config-invalid) there is no worker 'nope'"),
        (("up", "--config", "nowhere.yaml"), os.EX_CONFIG, "nowhere.yaml"),
    ],
)
def test_what_cannot_work_ends_in_a_message_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    assert avatar(monkeypatch, *arguments) == code
    shown = " ".join(capsys.readouterr().err.split())
    assert message in shown
    assert "hint:" in shown
