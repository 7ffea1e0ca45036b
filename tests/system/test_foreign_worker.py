"""Any Wyoming server can take a worker's place: proved with the stock wyoming-piper."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatar_appliance.client import describe, synthesize
from avatar_appliance.config import load_settings
from avatar_appliance.models import ModelStore, load_catalogue

from .appliance import Appliance, free_ports

pytestmark = pytest.mark.system

VOICE = "en_US-joe-medium"


@pytest.fixture
def stock_piper(tmp_path: Path) -> Iterator[str]:
    """The stock server on our Piper voice; its URI."""
    pytest.importorskip("wyoming_piper", reason="the extra `peer` is not installed")
    store = ModelStore(load_settings().paths.cache_dir)
    folder = store.path(load_catalogue().get("piper-en-us-joe-medium"))
    uri = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    command = [sys.executable, "-m", "wyoming_piper", "--voice", VOICE, "--uri", uri, "--data-dir", str(folder)]
    with (tmp_path / "piper.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--download-dir", str(folder), "--local-files-only"], stdout=log, stderr=log
        )
        try:
            yield uri
        finally:
            server.kill()
            server.wait(timeout=10)


async def test_a_stock_server_speaks_in_our_worker_s_place(stock_piper: str, tmp_path: Path) -> None:
    appliance = Appliance(
        tmp_path,
        overrides={
            "workers": {
                "theirs": {"engine": "wyoming", "wyoming_role": "tts", "uri": stock_piper},
                "ears": {"engine": "fake", "fake_role": "asr"},
                "mind": {"engine": "fake", "fake_role": "llm"},
            },
            "asr": {"workers": ["ears"]},
            "tts": {"workers": ["theirs"]},
            "conversation": {"workers": ["mind"]},
        },
    )
    try:
        appliance.start(60)
        voices: list[str] = []
        while VOICE not in voices:
            voices = [voice.name for voice in (await describe(appliance.endpoint("tts"))).tts[0].voices]
        speech = await synthesize(appliance.endpoint("tts"), "It is 21 degrees.", voice=VOICE)
        assert speech.audio.rate_hz == 24_000
        assert 0.5 < speech.audio.duration_s < 6
        assert appliance.stop() == 0
    finally:
        appliance.kill()
