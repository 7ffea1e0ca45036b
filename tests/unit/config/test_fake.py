"""`avatar up --fake`: children get the same scripted workers through the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_appliance.cli.fake_house import fake_environment, fake_house
from avatar_appliance.config import load_settings
from avatar_appliance.config.show import shown

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("on_gpu", [False, True])
def test_arguments_and_environment_give_the_same_fake_appliance(monkeypatch: pytest.MonkeyPatch, on_gpu: bool) -> None:
    house = fake_house(on_gpu=on_gpu)
    by_arguments = load_settings(ROOT / "config.yaml", **house)
    for name, value in fake_environment(house).items():
        monkeypatch.setenv(name, value)
    by_environment = load_settings(ROOT / "config.yaml")
    assert shown(by_arguments) == shown(by_environment)
    assert by_environment.asr.workers[0] == "fake-asr"
    assert by_environment.workers["fake-asr"].role == "asr"
