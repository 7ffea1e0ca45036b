"""With which Python, and with what in its environment, a worker is started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import avatar_appliance
from avatar_appliance.config import Settings
from avatar_appliance.engines import EngineMissing, worker_environment, worker_python
from avatar_appliance.errors import ConfigError

VOICE = {"name": "a", "language": "en", "reference_audio": "/a.wav", "reference_text": "hello"}


def settings(cache_dir: Path, **worker: Any) -> Settings:
    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))}
    return Settings.from_sources(
        {
            "asr": {"workers": ["a"]},
            "tts": {"workers": ["t"]},
            "conversation": {"workers": ["l"]},
            "workers": {**fakes, "w": worker},
            "paths": {"cache_dir": str(cache_dir)},
        },
        {},
    )


def f5(cache_dir: Path, **values: Any) -> Settings:
    return settings(cache_dir, engine="f5-tts", weights="random", voices=[VOICE], **values)


def installed(cache_dir: Path, engine: str) -> Path:
    """Lay out a whole build with nothing in it; return its folder."""
    build = cache_dir / f"venvs/{engine}-0123-py311"
    (build / "bin").mkdir(parents=True)
    (build / "lib/python3.11/site-packages").mkdir(parents=True)
    (build / "bin/python").symlink_to(sys.executable)
    (build / "avatar-engine.json").write_text('{"fingerprint": "f", "python": "3.11.7"}')
    (cache_dir / "venvs" / engine).symlink_to(build.name)
    return build


def test_an_engine_of_the_appliance_itself_runs_in_its_python(cache_dir: Path) -> None:
    house = settings(cache_dir, engine="piper", env={"LC_ALL": "C"})
    assert worker_python(house, "w") == Path(sys.executable)
    assert worker_environment(house, "w") == {"LC_ALL": "C"}


def test_an_engine_that_is_not_installed_says_how_to(cache_dir: Path) -> None:
    with pytest.raises(EngineMissing, match=r"worker w: F5-TTS is not installed") as caught:
        worker_python(f5(cache_dir), "w")
    assert caught.value.hint == "Run `avatar workers install w`."
    half = cache_dir / "venvs/f5-tts"
    (half / "bin").mkdir(parents=True)
    with pytest.raises(EngineMissing):
        worker_python(f5(cache_dir), "w")


def test_an_installed_engine_runs_in_its_own_python_never_through_the_link(cache_dir: Path) -> None:
    build = installed(cache_dir, "f5-tts")
    # Not resolved further: what `bin/python` points to is the Python of the machine.
    assert worker_python(f5(cache_dir), "w") == build / "bin/python"


def test_the_appliance_is_linked_into_it_anew_when_it_has_moved(cache_dir: Path, tmp_path: Path) -> None:
    site = installed(cache_dir, "f5-tts") / "lib/python3.11/site-packages"
    home = Path(avatar_appliance.__file__).resolve().parents[1]
    for name in ("avatar_appliance", "wyoming_servers"):
        (site / name).symlink_to(tmp_path / "an old place")
    worker_python(f5(cache_dir), "w")
    assert {name: (site / name).resolve() for name in ("avatar_appliance", "wyoming_servers")} == {
        name: home / name for name in ("avatar_appliance", "wyoming_servers")
    }


def test_vllm_is_started_by_our_own_python(cache_dir: Path) -> None:
    house = settings(cache_dir, engine="vllm", model="/m")
    assert worker_python(house, "w") == Path(sys.executable)
    environment = worker_environment(house, "w")
    assert environment["VLLM_CACHE_ROOT"] == str(cache_dir / "engines/vllm/vllm")
    assert environment["VLLM_NO_USAGE_STATS"] == environment["DO_NOT_TRACK"] == environment["HF_HUB_OFFLINE"] == "1"


def test_the_owner_has_the_last_word_on_the_environment(cache_dir: Path) -> None:
    house = f5(cache_dir, env={"HF_HUB_OFFLINE": "0", "MORE": "1"})
    environment = worker_environment(house, "w")
    assert (environment["HF_HUB_OFFLINE"], environment["MORE"]) == ("0", "1")
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_whisper_on_a_gpu_finds_cublas_before_it_starts(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/mine")
    house = settings(cache_dir, engine="faster-whisper", device="cuda")
    assert worker_python(house, "w") == Path(sys.executable)  # not installed: as before
    build = installed(cache_dir, "faster-whisper")
    libraries = build / "lib/python3.11/site-packages/nvidia/cublas/lib"
    libraries.mkdir(parents=True)
    assert worker_python(house, "w") == build / "bin/python"
    assert worker_environment(house, "w")["LD_LIBRARY_PATH"] == f"{libraries}:/opt/mine"


def test_whisper_on_a_cpu_needs_none_of_it(cache_dir: Path) -> None:
    installed(cache_dir, "faster-whisper")
    house = settings(cache_dir, engine="faster-whisper", device="cpu")
    assert worker_python(house, "w") == Path(sys.executable)
    assert worker_environment(house, "w") == {}


def test_a_server_elsewhere_is_nothing_to_start(cache_dir: Path) -> None:
    house = settings(cache_dir, engine="openai", base_url="http://192.0.2.1/v1")
    for ask in (worker_python, worker_environment):
        with pytest.raises(ConfigError, match="is no worker that is started here"):
            ask(house, "w")
        with pytest.raises(ConfigError):
            ask(house, "nobody")
