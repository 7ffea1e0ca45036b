"""Damaged, hostile and foreign files, full disks: refused with a name, and nothing was changed."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance import __version__
from avatar_appliance.backup import (
    BackupDamaged,
    BackupFailed,
    BackupHeader,
    BackupRequest,
    BackupTooNew,
    BackupUnsafe,
    check_backup,
    create_backup,
    restore_backup,
)
from avatar_appliance.backup.archive import ArchiveWriter
from avatar_appliance.models.errors import DiskFull
from avatar_appliance.store import DatabaseDamaged
from avatar_appliance.store.schema import load_migrations

from .lived_in import PASSPHRASE, names_in, past_of

Ask = Callable[..., BackupRequest]
NEWEST = load_migrations()[-1].version


def check(path: Path, passphrase: str | None = None) -> None:
    check_backup(path, lambda: passphrase)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


async def refused(kind: type[Exception], path: Path, state_dir: Path, match: str | None = None) -> None:
    """Restoring fails so, and the state is as it was."""
    before, names = await past_of(state_dir), names_in(state_dir)
    with pytest.raises(kind, match=match):
        await asyncio.to_thread(restore_backup, path, state_dir, lambda: PASSPHRASE)
    assert await past_of(state_dir) == before
    assert set(names_in(state_dir)) - set(names) <= {".in-use.lock", ".backup.lock"}


async def test_a_flipped_byte_is_found_wherever_it_is(request_for: Ask, tmp_path: Path) -> None:
    data = (await asyncio.to_thread(create_backup, request_for(audio=True))).path.read_bytes()
    path, whole, refused_count = tmp_path / "flipped.tar.gz", gzip.decompress(data), 0
    for at in (*range(0, len(data), len(data) // 150), len(data) - 1, len(data) - 8):
        path.write_bytes(flipped(data, at))
        try:
            check(path)
        except (BackupDamaged, BackupUnsafe):
            refused_count += 1
        else:  # the time in gzip's header, or another way to write the same: it unpacks to every byte of the original
            assert gzip.decompress(path.read_bytes()) == whole
    assert refused_count > 120


async def test_a_truncated_file_is_found_wherever_it_ends(request_for: Ask, tmp_path: Path) -> None:
    data = (await asyncio.to_thread(create_backup, request_for(audio=True))).path.read_bytes()
    path = tmp_path / "short.tar.gz"
    for length in (*range(0, len(data), len(data) // 60), len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(BackupDamaged):
            check(path)


async def test_an_encrypted_file_that_is_changed_or_cut_is_refused(
    request_for: Ask, state_dir: Path, tmp_path: Path
) -> None:
    data = (await asyncio.to_thread(create_backup, request_for(passphrase=PASSPHRASE))).path.read_bytes()
    path = tmp_path / "bad.age.tar"
    key, body = data.index(b"-> scrypt"), data.index(b"-> X25519")
    for bad in (flipped(data, body + 600), data[: body + 900], data[: len(data) - 5000]):
        path.write_bytes(bad)
        await refused(BackupDamaged, path, state_dir)
    path.write_bytes(flipped(data, key + 20))
    await refused(BackupDamaged, path, state_dir, "key of the backup")


async def test_a_damaged_backup_restores_nothing(request_for: Ask, state_dir: Path, tmp_path: Path) -> None:
    data = (await asyncio.to_thread(create_backup, request_for(audio=True))).path.read_bytes()
    (tmp_path / "bad.tar.gz").write_bytes(flipped(data, len(data) // 2))
    await refused(BackupDamaged, tmp_path / "bad.tar.gz", state_dir)
    (tmp_path / "bad.tar.gz").write_bytes(data[: len(data) - 20])
    await refused(BackupDamaged, tmp_path / "bad.tar.gz", state_dir)


@pytest.mark.parametrize("data", [b"", b"hello", bytes(10_000), b"\x1f\x8b\x08", gzip.compress(b"x"), b"README.txt"])
async def test_something_else_is_no_backup(data: bytes, state_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    await refused(BackupDamaged, tmp_path / "file", state_dir)


async def test_a_missing_file_is_named(state_dir: Path, tmp_path: Path) -> None:
    await refused(BackupFailed, tmp_path / "nowhere.tar.gz", state_dir, "nowhere.tar.gz: No such file")


HEADER = BackupHeader(
    appliance_version=__version__, schema_version=NEWEST, created_at=datetime(2026, 1, 1, tzinfo=UTC), machine="0" * 8,
    audio=False, secrets=False, payload_bytes=0,
)  # fmt: skip


def archive(path: Path, *members: tarfile.TarInfo, header: BackupHeader = HEADER, after: bytes = b"") -> Path:
    """Write an archive with a right header and manifest around whatever members."""
    content = b"planted"
    about = header.as_json()
    listed = [{"name": "backup.json", "size_bytes": len(about), "sha256": sha256(about).hexdigest()}]
    listed += [{"name": m.name, "size_bytes": len(content), "sha256": sha256(content).hexdigest()} for m in members]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in (("backup.json", about), *((m, content) for m in members), ("manifest.json", _json(listed))):
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
        if after:
            info = tarfile.TarInfo("state/after")
            info.size = len(after)
            tar.addfile(info, io.BytesIO(after))
    path.write_bytes(gzip.compress(packed.getvalue()))
    return path


def _json(members: list[dict[str, Any]]) -> bytes:
    return json.dumps({"members": members}).encode()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "hostile",
    [
        member("../../escaped"),
        member("state/../../escaped"),
        member("/tmp/escaped"),
        member("state"),
        member("state//twice"),
        member("state/./here"),
        member("state\\..\\escaped"),
        member("elsewhere/file"),
        member("state/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("state/hard", tarfile.LNKTYPE, "state/avatar.db"),
        member("state/null", tarfile.CHRTYPE),
        member("state/pipe", tarfile.FIFOTYPE),
        member("state/folder", tarfile.DIRTYPE),
        member("state/old", tarfile.AREGTYPE),
    ],
    ids=lambda info: f"{info.name} {info.type!r}",
)
async def test_names_and_kinds_that_no_backup_has_are_refused(
    hostile: tarfile.TarInfo, state_dir: Path, tmp_path: Path
) -> None:
    path = archive(tmp_path / "hostile.tar.gz", member("state/good"), hostile)
    await refused((BackupUnsafe), path, state_dir)
    assert not (tmp_path / "escaped").exists()


async def test_a_name_that_comes_twice_is_refused(state_dir: Path, tmp_path: Path) -> None:
    await refused(
        BackupUnsafe, archive(tmp_path / "h.tar.gz", member("state/a"), member("state/a")), state_dir, "state/a"
    )


async def test_something_behind_the_manifest_is_refused(state_dir: Path, tmp_path: Path) -> None:
    await refused(BackupUnsafe, archive(tmp_path / "h.tar.gz", after=b"planted"), state_dir, "after the manifest")


async def test_the_archive_of_these_tests_would_be_accepted(tmp_path: Path) -> None:
    check(archive(tmp_path / "fine.tar.gz", member("state/good")))


async def test_a_manifest_that_promises_more_or_less_is_noticed(state_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "h.tar.gz"
    with path.open("wb") as out:
        writer = ArchiveWriter(out, HEADER, lambda _: None)
        writer.add_bytes("state/a", b"a")
        writer._members.append(dataclasses.replace(writer._members[-1], name="state/b"))
        writer.finish()
    await refused(BackupDamaged, path, state_dir, "state/b")


async def test_a_newer_schema_is_refused_by_name(state_dir: Path, tmp_path: Path) -> None:
    newer = dataclasses.replace(HEADER, schema_version=NEWEST + 1, appliance_version="9.0")
    await refused(
        BackupTooNew, archive(tmp_path / "h.tar.gz", header=newer), state_dir, rf"version {NEWEST + 1} \(of 9.0\)"
    )


async def test_a_newer_format_is_refused_by_name(state_dir: Path, tmp_path: Path) -> None:
    path = archive(tmp_path / "h.tar.gz", header=dataclasses.replace(HEADER, format=2))
    await refused(BackupTooNew, path, state_dir, "format 2")


async def test_an_older_history_is_migrated(request_for: Ask, state_dir: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    with closing(sqlite3.connect(old / "avatar.db")) as database:
        database.executescript(f"{load_migrations()[0].sql}; PRAGMA user_version = 1")
        database.execute(
            "INSERT INTO turns (id, started_at, transcript, status) VALUES (?, 1, 'of old', 'ok')", ["a" * 32]
        )
        database.commit()
    path = (await asyncio.to_thread(create_backup, request_for(state_dir=old))).path
    report = await asyncio.to_thread(restore_backup, path, tmp_path / "new", lambda: None)
    assert report.migrated_from == 1
    assert (await past_of(tmp_path / "new")).transcripts == ["of old"]


async def test_a_history_that_is_damaged_is_not_backed_up_as_if_it_were_fine(
    request_for: Ask, state_dir: Path, folder: Path
) -> None:
    data = (state_dir / "avatar.db").read_bytes()
    (state_dir / "avatar.db").write_bytes(data[:4096] + os.urandom(len(data) - 4096))
    with pytest.raises(DatabaseDamaged):
        await asyncio.to_thread(create_backup, request_for())
    assert names_in(folder) == []


async def test_a_disk_without_room_is_noticed_before_anything_is_written(
    request_for: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(DiskFull):
        await asyncio.to_thread(create_backup, request_for())
    assert names_in(folder) == []


async def test_a_disk_that_fills_up_under_a_restore_leaves_the_old_state(
    request_for: Ask, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = (await asyncio.to_thread(create_backup, request_for(audio=True))).path
    real, opened = os.open, 0

    def full_after_a_while(name: Any, *arguments: Any, **options: Any) -> int:
        nonlocal opened
        if "/.restoring/new/" in str(name):
            opened += 1
            if opened > 5:
                raise OSError(28, "No space left on device", name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", full_after_a_while)
    await refused(DiskFull, path, state_dir)
    assert opened > 5


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_destination_that_fills_up_leaves_no_file(
    encrypted: bool, request_for: Ask, folder: Path, state_dir: Path
) -> None:
    """A real file that cannot grow: what a quota or a full disk does to a write."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from avatar_appliance.backup import BackupRequest, create_backup\n"
        "from avatar_appliance.errors import AvatarError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "state, folder, word = sys.argv[1:]\n"
        "(Path(state) / 'voices/long.wav').write_bytes(__import__('os').urandom(3_000_000))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))\n"
        "try:\n"
        "    create_backup(BackupRequest(state_dir=Path(state), destination=Path(folder), machine_id='0' * 32,\n"
        "                                passphrase=word or None))\n"
        "except AvatarError as error:\n"
        "    print(error.code)\n"
    )
    word = PASSPHRASE if encrypted else ""
    done = await _python("-c", script, str(state_dir), str(folder), word)
    assert done == "disk-full\n"
    assert names_in(folder) == []


async def _python(*arguments: str) -> str:
    import sys

    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()
