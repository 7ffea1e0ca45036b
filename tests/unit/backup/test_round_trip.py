"""What is backed up comes back, whatever goes on meanwhile."""

from __future__ import annotations

import asyncio
import io
import itertools
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from avatar_appliance.backup import (
    ApplianceRunning,
    BackupBusy,
    BackupFailed,
    BackupRequest,
    PassphraseNeeded,
    PassphraseWrong,
    check_backup,
    create_backup,
    restore_backup,
    state_in_use,
)
from avatar_appliance.backup.state_lock import one_backup
from avatar_appliance.store import AudioStore, TurnRepository

from .lived_in import MACHINE_ID, PASSPHRASE, SAID, add_turn, fill, names_in, past_of

Ask = Callable[..., BackupRequest]


def nobody_asked() -> str | None:
    raise AssertionError("a backup that is not encrypted needs no passphrase")


async def backup(request: BackupRequest) -> Path:
    return (await asyncio.to_thread(create_backup, request)).path


async def test_history_voices_and_recordings_come_back_on_another_machine(
    request_for: Ask, state_dir: Path, tmp_path: Path
) -> None:
    path = await backup(request_for(audio=True))
    report = await asyncio.to_thread(restore_backup, path, tmp_path / "new", nobody_asked)
    past = await past_of(tmp_path / "new")
    assert past == await past_of(state_dir)
    assert len(past.recordings) == len(past.transcripts) == 5
    assert report.aside is None


async def test_a_backup_made_while_somebody_writes_is_one_moment_of_the_history(
    request_for: Ask, turns: TurnRepository, state_dir: Path, tmp_path: Path
) -> None:
    audio = AudioStore(state_dir / "audio", min_free_bytes=0)
    written: list[str] = []
    go_on = True

    async def write() -> None:
        for number in itertools.count():
            if not go_on:
                return
            await add_turn(turns, audio, f"sentence {number} of a long evening", 2000.0 + number)
            written.append(f"sentence {number} of a long evening")

    writer = asyncio.create_task(write())
    while len(written) < 20:
        await asyncio.sleep(0)
    before = list(written)
    path = await backup(request_for(audio=True))
    go_on = False
    await writer
    await asyncio.to_thread(restore_backup, path, tmp_path / "new", nobody_asked)
    restored = (await past_of(tmp_path / "new")).transcripts[5:]
    assert restored == written[: len(restored)], "a beginning without a gap"
    assert len(before) <= len(restored) < len(written) or len(restored) == len(written)
    assert len((await past_of(tmp_path / "new")).recordings) >= len(before) + 5


async def test_an_encrypted_backup_holds_the_tokens_and_none_of_the_words_in_clear(
    request_for: Ask, state_dir: Path, tmp_path: Path
) -> None:
    config = {"config.yaml": b"admin: {token: avatar_planted_in_the_config}\n"}
    path = await backup(request_for(passphrase=PASSPHRASE, config_files=config))
    assert SAID.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PassphraseWrong):
        await asyncio.to_thread(restore_backup, path, tmp_path / "new", lambda: f"{PASSPHRASE}!")
    with pytest.raises(PassphraseNeeded):
        await asyncio.to_thread(restore_backup, path, tmp_path / "new", lambda: None)
    report = await asyncio.to_thread(restore_backup, path, tmp_path / "new", lambda: PASSPHRASE)
    assert (await past_of(tmp_path / "new")).transcripts == (await past_of(state_dir)).transcripts
    assert (tmp_path / "new/owner-token.sha256").read_text() == "ab" * 32
    assert report.config is not None
    assert report.config.read_bytes() == config["config.yaml"]


async def test_the_programs_of_others_open_an_encrypted_backup(request_for: Ask, tmp_path: Path) -> None:
    """By the steps in its README: any tar, then any implementation of age."""
    import pyrage

    path = await backup(request_for(passphrase=PASSPHRASE))
    await asyncio.to_thread(subprocess.run, ["tar", "-xf", path], cwd=tmp_path, check=True)
    assert b"age -d -i key.age" in (tmp_path / "README.txt").read_bytes()
    key = pyrage.passphrase.decrypt((tmp_path / "key.age").read_bytes(), PASSPHRASE).decode().strip()
    identity = pyrage.x25519.Identity.from_str(key)
    data = pyrage.decrypt((tmp_path / "data.tar.gz.age").read_bytes(), [identity])
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {"backup.json", "state/avatar.db", "state/voices/index.json", "manifest.json"} <= set(archive.getnames())


async def test_a_backup_that_is_not_encrypted_holds_no_token(request_for: Ask) -> None:
    path = await backup(request_for())
    names = [member.name for member in (await asyncio.to_thread(check_backup, path, nobody_asked)).members]
    assert "state/owner-token.sha256" not in names
    assert "state/of-a-later-version.json" in names, "what nobody has thought of yet is kept"
    assert not [name for name in names if name.startswith("state/audio/")]


async def test_the_machine_that_is_restored_is_the_old_one_to_home_assistant(request_for: Ask, tmp_path: Path) -> None:
    path = await backup(request_for())
    await asyncio.to_thread(restore_backup, path, tmp_path / "same", nobody_asked)
    assert (tmp_path / "same/discovery-id").read_text().strip() == MACHINE_ID
    await asyncio.to_thread(restore_backup, path, tmp_path / "clone", nobody_asked, keep_identity=False)
    assert not (tmp_path / "clone/discovery-id").exists()


async def test_what_was_there_is_kept_and_so_are_recordings_that_the_backup_lacks(
    request_for: Ask, state_dir: Path
) -> None:
    before = await past_of(state_dir)
    path = await backup(request_for())
    await fill_again(state_dir)
    after = await past_of(state_dir)
    report = await asyncio.to_thread(restore_backup, path, state_dir, nobody_asked)
    assert await past_of(state_dir) == before, "with its recordings, which were still here"
    assert report.aside is not None
    assert await past_of(report.aside) == after
    assert (state_dir / "owner-token.sha256").exists(), "what the backup lacks stays"


async def fill_again(state_dir: Path) -> None:
    from avatar_appliance.store import Store

    async with Store.open(state_dir) as store:
        await add_turn(store.turns, AudioStore(state_dir / "audio", min_free_bytes=0), "later", 9000.0)


async def test_a_second_restore_keeps_both(request_for: Ask, state_dir: Path) -> None:
    path = await backup(request_for())
    for _ in range(2):
        await asyncio.to_thread(restore_backup, path, state_dir, nobody_asked)
    assert len(names_in(state_dir, "before-restore-*")) == 2
    assert not names_in(state_dir, ".restoring*")


async def test_no_backup_contains_another(request_for: Ask, state_dir: Path) -> None:
    (state_dir / "backups").mkdir()
    (state_dir / "avatar-backup-copied-here.tar.gz").write_text("for a restore")
    first = await backup(request_for(destination=state_dir / "backups"))
    await asyncio.to_thread(restore_backup, first, state_dir, nobody_asked)
    second = await backup(request_for(destination=state_dir / "backups"))
    names = [member.name for member in (await asyncio.to_thread(check_backup, second, nobody_asked)).members]
    assert not [name for name in names if "backup" in name or "before-restore" in name]


async def test_a_folder_that_somebody_uses_is_not_restored_into(request_for: Ask, state_dir: Path) -> None:
    path = await backup(request_for())
    with state_in_use(state_dir), pytest.raises(ApplianceRunning):
        await asyncio.to_thread(restore_backup, path, state_dir, nobody_asked)
    assert not names_in(state_dir, "before-restore-*")


async def test_two_backups_at_once_are_one_too_many(request_for: Ask, state_dir: Path, folder: Path) -> None:
    with one_backup(state_dir), pytest.raises(BackupBusy):
        await backup(request_for())
    assert names_in(folder) == []


async def test_an_existing_file_is_never_overwritten(request_for: Ask, folder: Path) -> None:
    (folder / "mine.tar.gz").write_text("important")
    with pytest.raises(BackupFailed, match="there already"):
        await backup(request_for(destination=folder / "mine.tar.gz"))
    assert (folder / "mine.tar.gz").read_text() == "important"


async def test_an_empty_house_is_backed_up_and_restored_as_well(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    request = BackupRequest(state_dir=tmp_path / "empty", destination=folder, machine_id=MACHINE_ID)
    await asyncio.to_thread(restore_backup, await backup(request), tmp_path / "new", nobody_asked)
    assert (await past_of(tmp_path / "new")).transcripts == []


async def test_what_is_no_file_is_passed_over(request_for: Ask, state_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("of somebody else")
    (state_dir / "link").symlink_to(tmp_path / "secret.txt")
    (state_dir / "voices/loop").symlink_to(state_dir)
    path = await backup(request_for())
    names = [member.name for member in (await asyncio.to_thread(check_backup, path, nobody_asked)).members]
    assert not [name for name in names if "link" in name or "loop" in name]


async def test_files_are_for_the_service_alone(request_for: Ask, tmp_path: Path) -> None:
    await asyncio.to_thread(restore_backup, await backup(request_for(audio=True)), tmp_path / "new", nobody_asked)
    for path in (tmp_path / "new").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_filling_is_what_the_tests_think_it_is(tmp_path: Path) -> None:
    await fill(tmp_path / "s", ["one"])
    assert (await past_of(tmp_path / "s")).transcripts == ["one"]
