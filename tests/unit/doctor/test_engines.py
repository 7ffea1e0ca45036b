"""Engines that are missing, outdated, or somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.config import Settings
from avatar_appliance.doctor.engines import engines
from avatar_appliance.doctor.finding import Severity
from avatar_appliance.engines import EngineVenv, InstalledEngine, recipe_for


def settings(folder: Path, worker: dict[str, Any]) -> Settings:
    workers = {
        "ears": worker,
        "a": {"engine": "fake", "fake_role": "asr"},
        "t": {"engine": "fake", "fake_role": "tts"},
        "l": {"engine": "fake", "fake_role": "llm"},
    }
    ladders = {"asr": {"workers": ["a"]}, "tts": {"workers": ["t"]}, "conversation": {"workers": ["l"]}}
    return Settings.from_sources({"workers": workers, **ladders, "paths": {"cache_dir": str(folder)}}, {})


def install(folder: Path, engine: str, fingerprint: str) -> None:
    build = folder / "venvs" / f"{engine}-1-py311"
    (build / "bin").mkdir(parents=True)
    (build / "bin" / "python").touch(mode=0o755)
    EngineVenv(folder, engine).finish(InstalledEngine(build, fingerprint, "3.11.2"))


def test_a_missing_engine_is_a_problem_with_the_command_that_mends_it(tmp_path: Path) -> None:
    [finding] = engines(settings(tmp_path, {"engine": "vllm", "model": "x"}), has_gpu=True)
    assert finding.severity is Severity.PROBLEM
    assert finding.fix == "Run `avatar workers install ears`."


@pytest.mark.parametrize(("device", "severity"), [("auto", Severity.WARNING), ("cuda", Severity.PROBLEM)])
def test_whisper_without_its_gpu_libraries_still_has_the_cpu(tmp_path: Path, device: str, severity: Severity) -> None:
    [finding] = engines(settings(tmp_path, {"engine": "faster-whisper", "device": device}), has_gpu=True)
    assert (finding.severity, "not installed" in finding.text) == (severity, True)


def test_whisper_on_the_cpu_needs_none(tmp_path: Path) -> None:
    assert not list(engines(settings(tmp_path, {"engine": "faster-whisper", "device": "cpu"}), has_gpu=True))


def test_an_engine_of_an_earlier_release_is_a_warning_and_the_right_one_fine(tmp_path: Path) -> None:
    wanted = settings(tmp_path, {"engine": "vllm", "model": "x"})
    install(tmp_path, "vllm", "of-last-year")
    assert [finding.severity for finding in engines(wanted, has_gpu=True)] == [Severity.WARNING]
    install(tmp_path / "right", "vllm", recipe_for("vllm").fingerprint())
    right = settings(tmp_path / "right", {"engine": "vllm", "model": "x"})
    assert [finding.severity for finding in engines(right, has_gpu=True)] == [Severity.FINE]


def test_the_owners_own_installation_is_the_owners(tmp_path: Path) -> None:
    assert not list(
        engines(settings(tmp_path, {"engine": "vllm", "model": "x", "executable": "/opt/vllm"}), has_gpu=True)
    )


def test_whisper_takes_what_there_is_and_without_a_gpu_needs_none(tmp_path: Path) -> None:
    assert not list(engines(settings(tmp_path, {"engine": "faster-whisper", "device": "auto"}), has_gpu=False))
