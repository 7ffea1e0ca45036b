"""`avatar up --fake`: children get the same scripted workers through the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_appliance.cli.up import FAKE, fake_environment
from avatar_appliance.config import load_settings
from avatar_appliance.config.show import shown

ROOT = Path(__file__).parents[3]


def test_arguments_and_environment_give_the_same_fake_appliance(monkeypatch: pytest.MonkeyPatch) -> None:
    by_arguments = load_settings(ROOT / "config.yaml", **FAKE)
    for name, value in fake_environment().items():
        monkeypatch.setenv(name, value)
    by_environment = load_settings(ROOT / "config.yaml")
    assert shown(by_arguments) == shown(by_environment)
    assert by_environment.asr.workers == ["fake-asr"]
    assert by_environment.workers["fake-asr"].role == "asr"
