"""The `speaker` section and the worker sections of Resemblyzer and Pocket TTS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from avatar_appliance.config.pocket_tts import PocketTtsWorker
from avatar_appliance.config.settings import Settings
from avatar_appliance.config.speaker import SpeakerSettings
from avatar_appliance.config.workers import WorkerSettings
from avatar_appliance.coordinator.specs import used_workers, worker_specs
from avatar_appliance.engines import worker_environment, worker_python
from avatar_appliance.models import load_catalogue
from avatar_appliance.models.needed import needed_models

VOICE = {"name": "a", "language": "en-GB", "reference_audio": "/a.wav", "reference_text": "hello"}
_WORKER: TypeAdapter[Any] = TypeAdapter(WorkerSettings)


def house(**sections: Any) -> Settings:
    workers = {**Settings().workers, "who": {"engine": "resemblyzer"}}
    return Settings(**{"workers": workers, **sections})


def test_by_default_nobody_is_identified() -> None:
    assert Settings().speaker.workers == []
    assert all(worker.role != "speaker" for worker in Settings().workers.values())


def test_a_speaker_worker_is_started_with_the_appliance_and_counted_only_where_it_is_used() -> None:
    assert "who" not in used_workers(house())
    settings = house(speaker={"workers": ["who"]})
    (spec,) = [spec for spec in worker_specs(settings, ["cpu"]) if spec.name == "who"]
    assert (spec.role, spec.devices, spec.preload, spec.priority) == ("speaker", ("cpu",), True, 50)
    assert 50 * 2**20 < spec.rest_bytes < 100 * 2**20


def test_the_ladder_of_speakers_takes_speaker_workers_only() -> None:
    with pytest.raises(ValidationError, match="role is tts, not speaker"):
        house(speaker={"workers": ["piper"]})
    with pytest.raises(ValidationError, match=r"speaker\.workers names 'nobody'"):
        house(speaker={"workers": ["nobody"]})
    with pytest.raises(ValidationError, match="role is speaker, not asr"):
        house(asr={"workers": ["who"]})


@pytest.mark.parametrize("values", [{"threshold": 1.5}, {"margin": -0.1}, {"min_speech_s": 0}, {"treshold": 0.5}])
def test_a_speaker_section_of_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SpeakerSettings(**values)


def test_its_model_is_fetched_with_those_the_configuration_uses() -> None:
    names = [model.name for model in needed_models(house().workers.values(), load_catalogue())]
    assert "resemblyzer" in names
    assert "resemblyzer" not in [model.name for model in needed_models(Settings().workers.values(), load_catalogue())]


def test_it_needs_no_environment_of_its_own_and_one_thread() -> None:
    import sys

    settings = house()
    assert worker_python(settings, "who") == Path(sys.executable)
    assert worker_environment(settings, "who")["OPENBLAS_NUM_THREADS"] == "1"


def test_pocket_tts_clones_in_the_language_of_its_model_on_the_cpu() -> None:
    worker = _WORKER.validate_python({"engine": "pocket-tts", "model": "/pocket", "language": "portuguese"})
    assert (worker.clones, worker.clone_languages, worker.role) == (True, ("pt",), "tts")
    assert worker.runs_on == ("cpu",)
    estimate = worker.estimate("cpu", lambda _: None)
    assert 2**30 * 0.9 < estimate.rest_bytes < estimate.peak_bytes < 2**30 * 1.5


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "name the folder"),
        ({"model": "/pocket", "language": "chinese"}, "language"),
        ({"model": "/pocket", "size": "tiny"}, "random only"),
        ({"model": "/pocket", "speed": 1.2}, "nothing to set"),
        ({"model": "/pocket", "device": "cuda"}, "device"),
        ({"model": "/pocket", "language": "french", "voices": [VOICE]}, "voice a: its language is en-GB"),
    ],
)
def test_what_pocket_tts_refuses(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        PocketTtsWorker(engine="pocket-tts", **values)


@pytest.mark.parametrize(
    ("worker", "languages"),
    [
        ({"engine": "f5-tts", "model": "/f5"}, {"zh", "en"}),
        ({"engine": "cosyvoice", "model": "/cosy"}, {"zh", "en", "ja", "ko", "yue"}),
        ({"engine": "pocket-tts", "model": "/pocket"}, {"en"}),
        ({"engine": "qwen3-tts", "model": "/qwen"}, {"zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it"}),
    ],
)
def test_the_engines_that_clone_say_so_and_in_which_languages(worker: dict[str, Any], languages: set[str]) -> None:
    settings = _WORKER.validate_python(worker)
    assert settings.clones
    assert set(settings.clone_languages) == languages
    assert settings.voices == []  # those of the profiles need no entry


@pytest.mark.parametrize("engine", ["piper", "espeak-ng", "resemblyzer"])
def test_other_engines_do_not_clone(engine: str) -> None:
    assert not _WORKER.validate_python({"engine": engine}).clones
