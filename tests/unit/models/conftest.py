"""A hub on localhost, a folder of tiny wheels, and models made of both."""

from __future__ import annotations

import functools
import hashlib
import random
import re
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from avatar_appliance.models import Model
from avatar_appliance.models.hub import Hub
from avatar_appliance.models.pip_download import PipDownload

REVISION = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Serves `files` by name like a hub does, with ranges; and can misbehave."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []  # (name, Range header) of every GET
        self.status: int | None = None  # answer everything with this
        self.resumes = True  # False: send all with status 200, whatever range is asked for
        self.misplaces = False  # send all with status 206, from the start
        self.refuses_ranges = False  # answer 416
        self.break_after_bytes: int | None = None  # send that much, then drop the connection
        self.stall_after_bytes: int | None = None  # send that much, then wait for `go_on`
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self.endpoint = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.partition(f"/resolve/{REVISION}/")[2]
        wanted = request.headers.get("Range")
        self.requests.append((name, wanted))
        if self.status or name not in self.files:
            request.send_error(self.status or 404)
            return
        body, start = self.files[name], 0
        if wanted and self.refuses_ranges:
            request.send_error(416)
            return
        if wanted and self.resumes:
            start = 0 if self.misplaces else int(wanted.removeprefix("bytes=").removesuffix("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        self._send(request, body[start:])

    def _send(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        cut = self.break_after_bytes or self.stall_after_bytes or len(body)
        request.wfile.write(body[:cut])
        if self.break_after_bytes:
            self.break_after_bytes = None
            request.close_connection = True
            return
        if self.stall_after_bytes:
            self.stall_after_bytes = None
            self.stalled.set()
            assert self.go_on.wait(30)
        request.wfile.write(body[cut:])


@pytest.fixture(autouse=True)
def _clean_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no index and no switch of the machine the tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[..., BaseHTTPRequestHandler]], str]]:
    """Return a function that serves a handler class on localhost and returns its address."""
    with ExitStack() as stack:

        def start(handler: Callable[..., BaseHTTPRequestHandler]) -> str:
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def fake_hub(serve: Callable[..., str]) -> Iterator[FakeHub]:
    fake = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(302)
            self.end_headers()

        def do_GET(self) -> None:
            try:
                fake.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client was killed in the middle: that is what some tests do

        def log_message(self, *args: object) -> None:
            pass

    fake.endpoint = serve(Handler)
    yield fake
    fake.go_on.set()


@pytest.fixture
def hub(fake_hub: FakeHub) -> Hub:
    return Hub(endpoint=fake_hub.endpoint, retry_wait_s=0.01)


class Wheelhouse:
    """A folder of wheels that pip can download from, and the catalogue entries of their members."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pip = PipDownload(options=("--no-index", "--find-links", str(folder)))

    def add(self, name: str, members: Mapping[str | zipfile.ZipInfo, bytes]) -> list[dict[str, Any]]:
        """Build the wheel `name`; return one catalogue part per member."""
        module = name.replace("-", "_")
        wheel = self.folder / f"{module}-1.0.0-py3-none-any.whl"
        info = f"{module}-1.0.0.dist-info"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, body in members.items():
                archive.writestr(member, body)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        return [
            {
                "requirement": f"{name}==1.0.0",
                "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
                "wheel_size_bytes": wheel.stat().st_size,
                "member": member if isinstance(member, str) else member.filename,
            }
            for member in members
        ]


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Wheelhouse:
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    return Wheelhouse(folder)


@pytest.fixture
def http_pip(wheelhouse: Wheelhouse, serve: Callable[..., str]) -> Callable[..., PipDownload]:
    """Return a function that makes a PipDownload (of any pip version) that gets the wheels over HTTP."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    address = serve(functools.partial(Handler, directory=str(wheelhouse.folder)))
    return lambda **kwargs: PipDownload(options=("--no-index", "--find-links", f"{address}/"), **kwargs)


@pytest.fixture
def payload() -> Callable[[int], bytes]:
    """Return a function that makes bytes no compression can shrink, the same in every run."""
    return random.Random(7).randbytes


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """Return a function that makes a model of {path: (bytes, sources)}."""

    def make(files: Mapping[str, tuple[bytes, list[dict[str, Any]]]], **changes: Any) -> Model:
        entry = {
            "name": "tiny",
            "role": "tts",
            "engine": "piper",
            "title": "Tiny",
            "licence": "CC0-1.0",
            "languages": ["en"],
            "ram_bytes": 1,
            "description": "A test.",
            "description_zh_tw": "測試。",
            "files": [
                {
                    "path": path,
                    "size_bytes": len(body),
                    "sha256": hashlib.sha256(body).hexdigest(),
                    "sources": sources,
                }
                for path, (body, sources) in files.items()
            ],
        }
        return Model.model_validate(entry | changes)

    return make


@pytest.fixture
def hub_source() -> Callable[[str], dict[str, Any]]:
    return lambda name: {"kind": "hub", "repo": "maker/tiny", "revision": REVISION, "filename": name}


class Recorder:
    """A FetchProgress that remembers; `interrupt_at` (bytes of a step) acts like Ctrl-C there."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.positions: list[int] = []  # within the current step
        self.by_step: dict[str, list[int]] = {}
        self.notes: list[str] = []
        self.noted = threading.Event()
        self.interrupt_at: int | None = None
        self.interrupt_step = ""

    def step(self, label: str, total_bytes: int | None) -> None:
        self.steps.append(label)
        self.positions = self.by_step.setdefault(label, [])
        if self.interrupt_step and re.search(self.interrupt_step, label):
            raise KeyboardInterrupt

    def at(self, done_bytes: int) -> None:
        self.positions.append(done_bytes)
        if self.interrupt_at is not None and done_bytes >= self.interrupt_at:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.noted.set()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def new_recorder() -> type[Recorder]:
    return Recorder
