"""Real sockets, the real `wyoming` client, our real servers; only the models are scripted."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `wire_harness`

from wire_harness.house import House
from wire_harness.servers import Servers


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture(autouse=True)
def no_complaint_of_the_loop() -> Iterator[None]:
    """Fail where asyncio logs a task's exception that nobody looked at, or a callback that broke."""
    complaints = _Complaints()
    logging.getLogger("asyncio").addHandler(complaints)
    yield
    logging.getLogger("asyncio").removeHandler(complaints)
    assert not complaints.texts


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A folder with a short path: a unix socket's may have about 100 bytes."""
    path = Path(tempfile.mkdtemp(prefix="wire"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def servers(runtime_dir: Path) -> AsyncIterator[Servers]:
    """Starts `WyomingServer`s for handlers, and stops them."""
    async with Servers(runtime_dir) as running:
        yield running


@pytest.fixture
async def house(runtime_dir: Path) -> AsyncIterator[House]:
    """Workers with scripted engines, and the data plane's servers in front of them."""
    async with House(runtime_dir) as running:
        yield running


@pytest.fixture(scope="session")
def librivox(speech_dir: Path) -> bytes:
    """Three seconds of somebody reading, 16 kHz 16-bit mono; speech from 0.26 s to 2.85 s."""
    return _pcm(speech_dir / "en_librivox_0880.wav")


@pytest.fixture(scope="session")
def jfk(speech_dir: Path) -> bytes:
    """Eleven seconds of a speech with a pause of a second and one of half a second."""
    return _pcm(speech_dir / "en_jfk.wav")


def _pcm(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16_000, 2, 1)
        return file.readframes(file.getnframes())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only a moment for workers that are away, where the test is about what comes then."""
    monkeypatch.setattr("wyoming_servers.backends.climb.RESTART_WAIT_S", 0.1)
    monkeypatch.setattr("wyoming_servers.backends.climb.RETRY_INTERVAL_S", 0.01)
    monkeypatch.setattr("wyoming_servers.asr.decode.ASK_AGAIN_S", 0.01)
    for module in ("asr.decode", "tts.speech", "conversation.asking"):
        monkeypatch.setattr(f"wyoming_servers.{module}.PATIENCE_S", 0.03)
