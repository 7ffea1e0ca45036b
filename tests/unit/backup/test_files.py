"""Which files are ours, which of them go, and what a backup without encryption has of the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from avatar_appliance.backup import backups_in, prune
from avatar_appliance.backup.backup_file import free_path
from avatar_appliance.backup.config_copy import config_files, without_secrets
from avatar_appliance.backup.contents import is_secret
from avatar_appliance.config import Settings, load_settings
from avatar_appliance.errors import ConfigError

OURS, THEIRS = "0123abcd", "fedc9876"
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """A share with ten nights of ours, two of another machine, and things of somebody else."""
    for day in range(10):
        free_path(tmp_path, OURS, NOW - timedelta(days=day), encrypted=day % 2 == 0).write_text("backup")
    for day in (100, 101):
        free_path(tmp_path, THEIRS, NOW - timedelta(days=day), encrypted=False).write_text("backup")
    (tmp_path / "holiday.jpg").write_text("photo")
    (tmp_path / f"avatar-backup-{OURS}-20200101T000000Z.tar.gz.old").write_text("renamed by a person")
    (tmp_path / f"avatar-backup-{OURS}-20200231T000000Z.tar.gz").write_text("no such day")
    (tmp_path / f"avatar-backup-{OURS}-20200102T000000Z.tar.gz").symlink_to(tmp_path / "holiday.jpg")
    (tmp_path / f"avatar-backup-{OURS}-20200103T000000Z.tar.gz").mkdir()
    return tmp_path


def others(folder: Path) -> list[str]:
    ours = {each.path.name for each in backups_in(folder, OURS)}
    return sorted(path.name for path in folder.iterdir() if path.name not in ours)


@pytest.mark.parametrize(
    ("keep", "keep_days", "left"),
    [(3, None, 3), (None, 4.5, 5), (3, 6.5, 7), (8, 2, 8), (100, None, 10), (None, None, 10), (1, None, 1)],
)
def test_the_newest_and_the_young_stay(nights: Path, keep: int | None, keep_days: float | None, left: int) -> None:
    before = others(nights)
    deleted = prune(nights, OURS, keep=keep, keep_days=keep_days, now=NOW)
    assert len(backups_in(nights, OURS)) == left
    assert len(deleted) == 10 - left
    assert others(nights) == before, "whatever else is there stays"
    assert [each.at for each in backups_in(nights, OURS)] == [NOW - timedelta(days=day) for day in range(left)]


def test_the_last_backup_never_goes_for_its_age(nights: Path) -> None:
    prune(nights, OURS, keep=None, keep_days=1, now=NOW + timedelta(days=500))
    assert len(backups_in(nights, OURS)) == 1


def test_two_backups_in_one_second_have_two_names(tmp_path: Path) -> None:
    first = free_path(tmp_path, OURS, NOW, encrypted=False)
    first.write_text("one")
    second = free_path(tmp_path, OURS, NOW, encrypted=False)
    second.write_text("two")
    assert first != second
    assert len(backups_in(tmp_path, OURS)) == 2


@pytest.mark.parametrize(
    "name", ["owner-token.sha256", "openai-token.sha256", "mqtt_password", "tls.key", "api-secret"]
)
def test_files_with_keys_are_known_by_their_names(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["avatar.db", "discovery-id", "index.json", "reference.wav", "keyboard.json"])
def test_other_files_are_not_taken_for_keys(name: str) -> None:
    assert not is_secret(name)


CONFIG = """\
# token: planted-in-a-comment
house: {name: 家}
admin: {token: planted-admin}
home_assistant: {url: "http://ha:8123", token: &t planted-ha}
conversation: {openai_token: *t , workers: [big]}
backup: {passphrase: "planted passphrase", keep: 3}
workers:
  whisper-base: {engine: faster-whisper, env: {HF_TOKEN: planted-env, HF_HUB_OFFLINE: "1"}}
  piper: {engine: piper}
  espeak: {engine: espeak-ng}
  big:
    engine: openai
    base_url: "http://joe:planted-url@192.0.2.7/v1"
    api_key: |
      planted-key
"""


def test_a_configuration_without_secrets_is_still_one(tmp_path: Path) -> None:
    text = without_secrets(CONFIG)
    assert "planted" not in text
    tree = yaml.safe_load(text)
    assert tree["house"]["name"] == "家"
    assert tree["workers"]["big"]["base_url"] == "http://192.0.2.7/v1"
    assert tree["workers"]["whisper-base"]["env"] == {"HF_TOKEN": "", "HF_HUB_OFFLINE": "1"}
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    settings = load_settings(tmp_path / "config.yaml")
    assert settings.backup.keep == 3
    assert settings.admin.token is None


def test_what_the_configuration_names_goes_along(tmp_path: Path) -> None:
    (tmp_path / "household.yaml").write_text("areas: []")
    (tmp_path / "anna.wav").write_bytes(b"RIFF")
    file = tmp_path / "config.yaml"
    voice = {"name": "anna", "language": "en", "reference_audio": str(tmp_path / "anna.wav"), "reference_text": "Hi."}
    gone = voice | {"name": "bob", "reference_audio": str(tmp_path / "gone.wav")}
    tree = {
        "home_assistant": {"household": str(tmp_path / "household.yaml")},
        "tts": {"workers": ["f5"]},
        "workers": {
            "whisper-base": {"engine": "faster-whisper"},
            "chat": {"engine": "llama-cpp"},
            "f5": {"engine": "f5-tts", "model": "f5-tts-v1-base", "voices": [voice, gone]},
        },
    }
    file.write_text(yaml.safe_dump(tree))
    found = config_files(load_settings(file), file, secrets=True)
    assert found["config.yaml"] == file.read_bytes()
    assert found["household.yaml"] == b"areas: []"
    assert found["reference-audio/f5-0.wav"] == b"RIFF"
    assert len(found) == 3


def test_a_passphrase_that_is_too_short_is_no_setting(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("backup: {passphrase: hunter2}")
    with pytest.raises(ConfigError, match="at least 12 characters") as refused:
        load_settings(file)
    assert "hunter2" not in refused.value.text


def secret_fields(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """Yield the name of every setting that is a secret, those of workers included."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        for kind in _kinds(field.annotation):
            if kind is SecretStr:
                yield name
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from secret_fields(kind, seen)


def _kinds(annotation: object) -> Iterator[object]:
    arguments = get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from _kinds(argument)


def test_every_secret_of_the_configuration_is_one_that_is_taken_out() -> None:
    names = set(secret_fields(Settings, set()))
    assert {"token", "openai_token", "passphrase", "api_key"} <= names
    for name in names:
        assert "planted" not in without_secrets(yaml.safe_dump({"section": {name: "planted"}})), name
