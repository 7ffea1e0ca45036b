"""`avatar workers install`: what it chooses, and what it says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from avatar_appliance.cli import commands, workers_install  # noqa: F401 - registers them
from avatar_appliance.cli.app import app
from avatar_appliance.engines import EngineMissing, EngineRecipe, InstalledEngine
from avatar_appliance.engines.installer import EngineInstaller
from avatar_appliance.engines.python import PythonFound

VOICE = {"name": "a", "language": "en", "reference_audio": "/a.wav", "reference_text": "hello"}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], str]]:
    """Run the command; returns the engines that were installed (or verified), and what it printed."""
    done: list[str] = []
    build = InstalledEngine(tmp_path / "build", "f", "3.12.1")

    def fake(_: object, recipe: EngineRecipe, **options: object) -> InstalledEngine:
        done.append(recipe.engine if not options.get("again") else f"{recipe.engine} again")
        return build

    monkeypatch.setattr(EngineInstaller, "install", fake)
    monkeypatch.setattr(EngineInstaller, "verify", lambda _, recipe: done.append(f"verify {recipe.engine}"))
    bare = PythonFound(Path(sys.executable), (3, 12, 1), has_headers=False)
    monkeypatch.setattr(workers_install, "choose_python", lambda *_: bare)
    monkeypatch.setattr(workers_install.shutil, "which", lambda _: None)
    config = tmp_path / "config.yaml"
    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("x", "asr"), ("y", "tts"), ("z", "llm"))}
    house = {
        "asr": {"workers": ["x"]},
        "tts": {"workers": ["y"]},
        "conversation": {"workers": ["z"]},
        "workers": {
            **fakes,
            "brain": {"engine": "vllm", "model": "/m"},
            "mother": {"engine": "f5-tts", "model": "/f5", "voices": [VOICE]},
            "father": {"engine": "f5-tts", "model": "/f5", "voices": [VOICE]},
            "ear": {"engine": "faster-whisper", "device": "cpu"},
        },
        "paths": {"cache_dir": str(tmp_path / "cache")},
    }
    config.write_text(yaml.safe_dump(house))

    def run(*arguments: str) -> tuple[list[str], str]:
        done.clear()
        result = CliRunner().invoke(app, ["workers", "install", "--config", str(config), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return list(done), result.output

    return run


def test_without_names_it_is_every_engine_the_configuration_uses(install: Callable[..., tuple[list[str], str]]) -> None:
    assert install()[0] == ["vllm", "f5-tts"]  # Whisper on a CPU needs nothing more


def test_a_name_is_a_worker_or_an_engine(install: Callable[..., tuple[list[str], str]]) -> None:
    assert install("mother", "father", "cosyvoice")[0] == ["f5-tts", "cosyvoice"]
    assert install("brain", "--again")[0] == ["vllm again"]
    assert install("vllm", "--verify")[0] == ["verify vllm"]


def test_an_unknown_name_says_what_there_is(install: Callable[..., tuple[list[str], str]]) -> None:
    with pytest.raises(EngineMissing) as caught:
        install("nobody")
    assert "brain" in caught.value.hint
    assert "cosyvoice" in caught.value.hint
    with pytest.raises(EngineMissing, match="nothing to install for 'fake'"):
        install("x")


def test_licences_sizes_and_missing_compilers_are_told(install: Callable[..., tuple[list[str], str]]) -> None:
    output = install("mother", "brain")[1]
    assert "CC-BY-NC-4.0" in output
    assert "GB to download" in output
    assert "sudo apt install gcc python3.12-dev" in " ".join(output.split())
