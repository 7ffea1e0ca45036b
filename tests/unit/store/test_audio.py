"""Audio files and rows: written whole, bounded, swept together at start."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from avatar_appliance.errors import AudioTooLong, BadRequest, NotFound
from avatar_appliance.store import (
    AudioFile,
    AudioStore,
    Database,
    DiskFull,
    Store,
    StoreUnavailable,
    Turn,
    TurnRepository,
    new_turn_id,
    sweep_audio,
)

MakeTurn = Callable[..., Turn]


async def recorded(
    turns: TurnRepository, audio: AudioStore, make_turn: MakeTurn, wav: bytes, at: float
) -> tuple[Turn, AudioFile]:
    turn_id = new_turn_id(at)
    file = await audio.write(turn_id, "out", wav, duration_s=1.0)
    turn = make_turn(at, id=turn_id, audio=file)
    await turns.save([turn], new={turn_id})
    return turn, file


async def test_a_file_is_written_whole_private_and_named_after_its_turn(audio: AudioStore, wav: bytes) -> None:
    turn_id = new_turn_id(1)
    file = await audio.write(turn_id, "in", wav, duration_s=0.5)
    assert file.name.startswith(f"{turn_id}-in-")
    assert (file.size_bytes, file.duration_s) == (len(wav), 0.5)
    assert audio.path(file.name).read_bytes() == wav
    assert stat.S_IMODE(audio.path(file.name).stat().st_mode) == 0o600
    assert stat.S_IMODE(audio.folder.stat().st_mode) == 0o700
    with audio.open(file.name) as opened:
        assert opened.read() == wav
    assert os.listdir(audio.folder) == [file.name]


async def test_two_recordings_of_one_turn_do_not_overwrite_each_other(audio: AudioStore, wav: bytes) -> None:
    turn_id = new_turn_id(1)
    one = await audio.write(turn_id, "out", wav)
    two = await audio.write(turn_id, "out", wav + b"more")
    assert audio.path(one.name).read_bytes() != audio.path(two.name).read_bytes()


async def test_what_is_too_large_or_no_wav_is_refused(tmp_path: Path, wav: bytes) -> None:
    audio = AudioStore(tmp_path / "audio", max_file_bytes=len(wav), min_free_bytes=0)
    await audio.write(new_turn_id(1), "in", wav)
    with pytest.raises(AudioTooLong):
        await audio.write(new_turn_id(2), "in", wav + b"x")
    with pytest.raises(BadRequest):
        await audio.write(new_turn_id(2), "in", b"ID3 not a wav file")
    with pytest.raises(BadRequest):
        await audio.write("../../etc/passwd", "in", wav)


async def test_the_disk_is_never_filled(tmp_path: Path, wav: bytes) -> None:
    audio = AudioStore(tmp_path / "audio", min_free_bytes=shutil.disk_usage(tmp_path).total + 1)
    with pytest.raises(DiskFull):
        await audio.write(new_turn_id(1), "in", wav)
    assert await audio.names() == frozenset()


async def test_a_folder_that_cannot_be_made_is_an_error_with_a_code(tmp_path: Path, wav: bytes) -> None:
    (tmp_path / "audio").write_text("a file is in the way")
    with pytest.raises(StoreUnavailable):
        await AudioStore(tmp_path / "audio", min_free_bytes=0).write(new_turn_id(1), "in", wav)


async def test_a_write_that_fails_leaves_nothing(
    audio: AudioStore, wav: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreUnavailable):
        await audio.write(new_turn_id(1), "in", wav)
    assert os.listdir(audio.folder) == []


@pytest.mark.parametrize("name", ["../avatar.db", "/etc/passwd", "a.wav", "", "0" * 32 + "-in-00000000.wav"])
async def test_only_our_own_existing_files_can_be_read(audio: AudioStore, name: str) -> None:
    with pytest.raises(NotFound):
        audio.path(name)
    with pytest.raises(NotFound):
        audio.open(name)


async def test_deleting_counts_bytes_and_ignores_what_is_not_ours(audio: AudioStore, wav: bytes) -> None:
    file = await audio.write(new_turn_id(1), "in", wav)
    (audio.folder / "keep.txt").write_text("not ours")
    assert await audio.delete([file.name, file.name, "keep.txt", "../avatar.db"]) == len(wav)
    assert os.listdir(audio.folder) == ["keep.txt"]


async def test_the_sweep_deletes_orphans_and_clears_dangling_pointers(
    tmp_path: Path, audio: AudioStore, make_turn: MakeTurn, wav: bytes
) -> None:
    async with Database.open(tmp_path / "avatar.db") as database:
        turns = TurnRepository(database, audio)
        kept, kept_file = await recorded(turns, audio, make_turn, wav, 1.0)
        lost, lost_file = await recorded(turns, audio, make_turn, wav, 2.0)
    audio.path(lost_file.name).unlink()
    await audio.write(new_turn_id(3), "in", wav)
    (audio.folder / f"{new_turn_id(4)}-in-00000000.wav.part").write_bytes(b"half")
    (audio.folder / "notes.txt").write_text("the owner's")
    async with Database.open(tmp_path / "avatar.db") as database:
        turns = TurnRepository(database, audio)
        result = await sweep_audio(database, audio)
        assert (result.files_deleted, result.rows_cleared) == (1, 1)
        assert sorted(os.listdir(audio.folder)) == sorted([kept_file.name, "notes.txt"])
        assert (await turns.get(kept.id)).audio_out == (kept_file,)
        assert (await turns.get(lost.id)).audio_out == ()


async def test_a_fresh_database_does_not_delete_the_recordings_of_a_lost_one(
    tmp_path: Path, audio: AudioStore, wav: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = await audio.write(new_turn_id(1), "in", wav)
    async with Database.open(tmp_path / "avatar.db") as database:
        with caplog.at_level(logging.WARNING):
            await sweep_audio(database, audio)
    assert await audio.names() == {file.name}
    assert "do not match" in caplog.text


async def test_a_folder_that_is_not_mounted_does_not_clear_all_pointers(
    tmp_path: Path, audio: AudioStore, make_turn: MakeTurn, wav: bytes
) -> None:
    async with Database.open(tmp_path / "avatar.db") as database:
        turns = TurnRepository(database, audio)
        for number in range(10):
            last, file = await recorded(turns, audio, make_turn, wav, float(number))
    audio.folder.rename(tmp_path / "elsewhere")
    async with Database.open(tmp_path / "avatar.db") as database:
        await sweep_audio(database, audio)
        assert (await TurnRepository(database, audio).get(last.id)).audio_out == (file,)


async def test_the_store_opens_both_halves_and_sweeps(tmp_path: Path, make_turn: MakeTurn, wav: bytes) -> None:
    async with Store.open(tmp_path) as store:
        turn, file = await recorded(store.turns, store.audio, make_turn, wav, 1.0)
        orphan = await store.audio.write(new_turn_id(2), "in", wav)
    async with Store.open(tmp_path) as store:
        assert await store.audio.names() == {file.name}
        assert (await store.turns.get(turn.id)).audio_out == (file,)
        assert (await store.conversations.list()).items == ()
    assert orphan.name not in os.listdir(tmp_path / "audio")
    assert (tmp_path / "avatar.db").is_file()
