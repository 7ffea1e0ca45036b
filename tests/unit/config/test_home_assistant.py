"""The section that says where the house is."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_appliance.config import load_settings
from avatar_appliance.config.home_assistant import HomeAssistantSettings
from avatar_appliance.config.show import shown
from avatar_appliance.errors import ConfigError


def load(tmp_path: Path, text: str) -> HomeAssistantSettings:
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    return load_settings(file).home_assistant


def test_without_the_section_there_is_no_house(tmp_path: Path) -> None:
    section = load(tmp_path, "house: {name: X}")
    assert (section.url, section.token, section.household) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{url: 'http://user:pw@ha:8123', token: t}", "no user or password"),
        ("{url: 'http://ha:8123/lovelace', token: t}", "address only"),
        ("{url: 'ftp://ha', token: t}", "scheme"),
        ("{token: t}", "without url"),
        ("{url: 'http://ha:8123', token: t, household: x.yaml}", "without a token"),
        ("{url: 'http://ha:8123', tokn: t}", "Did you mean token"),
        ("{refresh_s: 1}", "greater than or equal to 5"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path, f"home_assistant: {text}")


def test_the_token_comes_from_the_environment_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVATAR_HOME_ASSISTANT__TOKEN", "very-secret")
    file = tmp_path / "config.yaml"
    file.write_text("home_assistant: {url: 'http://homeassistant.local:8123'}", "utf-8")
    settings = load_settings(file)
    assert settings.home_assistant.token is not None
    assert settings.home_assistant.token.get_secret_value() == "very-secret"
    assert "very-secret" not in f"{settings!r} {shown(settings)}"


def test_a_wrong_token_value_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "home_assistant: {url: 'http://ha:8123', token: [very-secret]}")
    assert "very-secret" not in caught.value.text
