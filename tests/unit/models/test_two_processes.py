"""Two `avatar` processes, one model: one fetches, the other waits; a killed one loses nothing it had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import avatar_appliance
from avatar_appliance.models import Model, ModelStore
from avatar_appliance.models.hub import Hub

CHILD = """
import sys
from pathlib import Path
from avatar_appliance.models import Model, ModelStore
from avatar_appliance.models.hub import Hub
cache, endpoint, model = sys.argv[1:]
ModelStore(Path(cache), hub=Hub(endpoint=endpoint)).fetch(Model.model_validate_json(model))
"""


@pytest.fixture
def body(payload: Callable[[int], bytes]) -> bytes:
    return payload(500_000)


@pytest.fixture
def model(fake_hub: Any, body: bytes, make_model: Callable[..., Model], hub_source: Any) -> Model:
    fake_hub.files = {"big.onnx": body}
    return make_model({"big.onnx": (body, [hub_source("big.onnx")])})


@pytest.fixture
def other_process(tmp_path: Path, model: Model, fake_hub: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has got 300 kB of the model and waits for the rest."""
    fake_hub.stall_after_bytes = 300_000
    root = Path(avatar_appliance.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), fake_hub.endpoint, model.model_dump_json()],
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    with process:
        assert fake_hub.stalled.wait(60)
        partial = tmp_path / "downloads/tiny" / f"{model.files[0].sha256}.partial"
        _until(lambda: partial.exists() and partial.stat().st_size > 250_000)
        yield process
        process.kill()


def _until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_killed_fetch_goes_on_where_it_was(
    tmp_path: Path, model: Model, hub: Hub, fake_hub: Any, body: bytes, other_process: subprocess.Popen[bytes]
) -> None:
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    folder = ModelStore(tmp_path, hub=hub).fetch(model)
    assert (folder / "big.onnx").read_bytes() == body
    assert int(fake_hub.requests[-1][1].removeprefix("bytes=").removesuffix("-")) > 250_000


def test_the_second_process_waits_and_downloads_nothing(
    tmp_path: Path,
    model: Model,
    hub: Hub,
    fake_hub: Any,
    recorder: Any,
    other_process: subprocess.Popen[bytes],
) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ModelStore(tmp_path, hub=hub).fetch, model, recorder)
        assert recorder.noted.wait(30)
        assert "another process" in recorder.notes[0]
        assert not waiting.done()
        fake_hub.go_on.set()
        folder = waiting.result(30)
    assert other_process.wait(30) == 0
    assert (folder / "big.onnx").exists()
    assert len(fake_hub.requests) == 1
    assert recorder.steps == []


def test_the_second_process_takes_over_from_a_killed_one(
    tmp_path: Path,
    model: Model,
    hub: Hub,
    fake_hub: Any,
    body: bytes,
    recorder: Any,
    other_process: subprocess.Popen[bytes],
) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ModelStore(tmp_path, hub=hub).fetch, model, recorder)
        assert recorder.noted.wait(30)
        other_process.send_signal(signal.SIGKILL)
        folder = waiting.result(30)
    assert (folder / "big.onnx").read_bytes() == body
    assert fake_hub.requests[-1][1] is not None


def test_different_models_do_not_wait_for_each_other(
    tmp_path: Path, make_model: Callable[..., Model], hub_source: Any, hub: Hub, fake_hub: Any, recorder: Any
) -> None:
    fake_hub.files = {"a": b"aaa", "b": b"bbb"}
    one = make_model({"a": (b"aaa", [hub_source("a")])}, name="one")
    two = make_model({"b": (b"bbb", [hub_source("b")])}, name="two")
    fake_hub.stall_after_bytes = 1
    first = threading.Thread(target=ModelStore(tmp_path, hub=hub).fetch, args=(one,))
    first.start()
    assert fake_hub.stalled.wait(30)
    ModelStore(tmp_path, hub=hub).fetch(two, recorder)
    assert recorder.notes == []
    assert first.is_alive()
    fake_hub.go_on.set()
    first.join(30)
    assert ModelStore(tmp_path).is_present(one)
