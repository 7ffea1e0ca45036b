"""`avatar backup`, `avatar restore` and `avatar support-bundle` as an owner types them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from avatar_appliance.backup import BackupRequest, create_backup, state_in_use
from avatar_appliance.store import Store

from .conftest import Avatar

PASSPHRASE = "correct horse battery staple"


def found(folder: Path, pattern: str) -> list[Path]:
    """Return what is there, by name."""
    return sorted(folder.glob(pattern))


@pytest.fixture
async def house(tmp_path: Path) -> Path:
    """A state folder with a history, and a share."""
    async with Store.open(tmp_path / "state"):
        pass
    (tmp_path / "state/owner-token.sha256").write_text("ab" * 32)
    (tmp_path / "state/marker.json").write_text("{}")
    (tmp_path / "nas").mkdir()
    return tmp_path


async def test_a_backup_is_made_listed_verified_and_restored(avatar: Avatar, house: Path) -> None:
    made = await avatar("backup", "nas", "--json")
    assert made.code == 0, made.err
    report = json.loads(made.out)
    assert report["encrypted"] is False
    assert report["files"] == 3

    verified = await avatar("backup", "verify", report["path"])
    assert verified.code == 0
    assert "is whole: 3 files" in verified.out

    listed = await avatar("restore", report["path"], "--list")
    assert "state/avatar.db" in listed.out

    rehearsed = await avatar("restore", report["path"], "--dry-run")
    assert "It would replace" in rehearsed.out
    assert found(house, "state/before-restore-*") == []

    (house / "state/marker.json").write_text('{"changed": true}')
    restored = await avatar("restore", report["path"])
    assert restored.code == 0, restored.err
    assert (house / "state/marker.json").read_text() == "{}"
    [aside] = found(house, "state/before-restore-*")
    assert str(aside) in restored.out.replace("\n", "")
    assert (aside / "marker.json").read_text() == '{"changed": true}'
    assert "Tokens and secrets were not in it" in restored.out


async def test_without_a_destination_backups_are_kept_beside_the_history(avatar: Avatar, house: Path) -> None:
    for _ in range(3):
        made = await avatar("backup", "--keep", "2")
        assert made.code == 0, made.err
    assert "deleted avatar-backup-" in made.out
    assert len([path for path in (house / "state/backups").iterdir() if path.suffix == ".gz"]) == 2
    assert "Not encrypted" in made.err


async def test_the_configuration_says_where_to_and_how_many(
    avatar: Avatar, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVATAR_BACKUP__FOLDER", str(house / "nas"))
    monkeypatch.setenv("AVATAR_BACKUP__KEEP", "1")
    for _ in range(2):
        assert (await avatar("backup")).code == 0
    assert len([path for path in (house / "nas").iterdir() if path.name.startswith("avatar-backup-")]) == 1


async def test_a_passphrase_comes_from_a_file_or_a_credential_and_is_never_an_argument(
    avatar: Avatar, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house / "word").write_text(f"{PASSPHRASE}\n")
    made = await avatar("backup", "nas", "--json", "--passphrase-file", "word")
    path = json.loads(made.out)["path"]
    assert path.endswith(".age.tar")
    missing = await avatar("backup", "verify", path)
    assert missing.code == 65
    assert "passphrase-needed" in missing.err
    (house / "credentials").mkdir()
    (house / "credentials/avatar.backup.passphrase").write_text(PASSPHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(house / "credentials"))
    assert (await avatar("backup", "verify", path)).code == 0
    listed = await avatar("restore", path, "--list")
    assert "state/owner-token.sha256" in listed.out
    help_text = (await avatar("backup", "create", "--help")).out
    assert "--passphrase " not in help_text


async def test_what_shall_be_encrypted_is_never_written_in_clear(
    avatar: Avatar, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = await avatar("backup", "nas", "--encrypt")
    assert refused.code == 65
    monkeypatch.setenv("AVATAR_BACKUP__ENCRYPT", "true")
    assert (await avatar("backup", "nas")).code == 65
    (house / "word").write_text("short")
    short = await avatar("backup", "nas", "--passphrase-file", "word")
    assert short.code == 78
    assert "less than 12 characters" in short.err
    assert list((house / "nas").iterdir()) == []


async def test_a_running_appliance_is_not_restored_under(avatar: Avatar, house: Path) -> None:
    path = json.loads((await avatar("backup", "nas", "--json")).out)["path"]
    with state_in_use(house / "state"):
        refused = await avatar("restore", path)
        assert (await avatar("backup", "nas")).code == 0, "backing up it is what backups are for"
    assert refused.code == 75
    assert "systemctl stop avatar.target" in refused.err


async def test_the_configuration_is_put_beside_unless_asked_for(avatar: Avatar, house: Path) -> None:
    (house / "config.yaml").write_text("house: {name: before}\n")
    path = json.loads((await avatar("backup", "nas", "--json")).out)["path"]
    (house / "config.yaml").write_text("house: {name: since then}\n")
    await avatar("restore", path)
    assert (house / "config.yaml").read_text() == "house: {name: since then}\n"
    assert "before" in (house / "state/restored-config/config.yaml").read_text()
    restored = await avatar("restore", path, "--with-config")
    assert restored.code == 0, restored.err
    assert "before" in (house / "config.yaml").read_text()
    [kept] = found(house, "config.yaml.before-restore-*")
    assert "since then" in kept.read_text()


async def test_a_configuration_that_this_version_does_not_accept_stops_the_restore(avatar: Avatar, house: Path) -> None:
    (house / "config.yaml").write_text("house: {name: x}\n")
    wrong = {"config.yaml": b"of_another_world: true\n"}
    request = BackupRequest(
        state_dir=house / "state", destination=house / "nas", machine_id="0" * 32, config_files=wrong
    )
    path = (await asyncio.to_thread(create_backup, request)).path
    (house / "state/marker.json").write_text('{"now": 1}')
    refused = await avatar("restore", str(path), "--with-config")
    assert refused.code == 78
    assert (house / "state/marker.json").read_text() == '{"now": 1}'
    assert found(house, "state/before-restore-*") + found(house, ".config.yaml.*") == []


async def test_a_folder_that_is_not_there_is_named(avatar: Avatar, house: Path) -> None:
    refused = await avatar("backup", "nowhere/else/x.tar.gz")
    assert refused.code == 70
    assert "nowhere/else" in refused.err


async def test_a_support_bundle_lists_what_is_in_it(avatar: Avatar, house: Path) -> None:
    made = await avatar("support-bundle", "-o", "nas", "--journal", "/dev/null")
    assert made.code == 0, made.err
    [path] = (house / "nas").iterdir()
    assert path.name in made.out
    for name in ("versions.txt", "configuration.yaml", "journal.txt", "timings.json"):
        assert name in made.out
    assert "Nothing was sent" in made.out


async def test_asked_at_a_terminal_a_passphrase_is_typed_twice(
    avatar: Avatar, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        asked.append(options)
        return PASSPHRASE

    monkeypatch.setattr("avatar_appliance.cli.passphrase.typer.prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    made = await avatar("backup", "nas", "--encrypt")
    assert made.code == 0, made.err
    assert asked == [{"hide_input": True, "confirmation_prompt": True, "err": True}]
