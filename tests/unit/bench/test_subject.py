"""What both sides of a comparison run, and the configuration made of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from avatar_appliance.bench import NothingToCompare
from avatar_appliance.bench.small_appliance import derived_config
from avatar_appliance.bench.subject import Subject, choose_subject
from avatar_appliance.config import Settings
from avatar_appliance.errors import ConfigError
from avatar_appliance.models import ModelMissing


def test_automatic_settings_are_decided(settings: Settings) -> None:
    whisper = choose_subject(settings).whisper
    assert whisper is not None
    chosen = whisper.settings
    assert (chosen.device, chosen.compute_type, chosen.threads) == ("cpu", "int8", min(4, len(os.sched_getaffinity(0))))
    assert whisper.model.is_absolute()


def test_a_graphics_card_means_half_precision(settings: Settings) -> None:
    worker = settings.workers["whisper-base"].model_copy(update={"device": "cuda:1", "threads": 3})
    whisper = choose_subject(
        settings.model_copy(update={"workers": {**settings.workers, "whisper-base": worker}})
    ).whisper
    assert whisper is not None
    assert (whisper.settings.device, whisper.settings.compute_type, whisper.settings.threads) == (
        "cuda:1",
        "float16",
        3,
    )


def test_the_first_voice_is_spoken_with_its_own_rate(settings: Settings) -> None:
    piper = choose_subject(settings).piper
    assert piper is not None
    assert (piper.voice, piper.rate_hz) == ("en_US-joe-medium", 22050)
    assert piper.settings.voices == [str(piper.model)]


def test_a_folder_of_voices_gives_its_first(settings: Settings, models: Path) -> None:
    worker = settings.workers["piper"].model_copy(update={"voices": [str(models)]})
    piper = choose_subject(settings.model_copy(update={"workers": {**settings.workers, "piper": worker}})).piper
    assert piper is not None
    assert piper.voice == "en_US-joe-medium"


def test_a_broken_voice_is_named(settings: Settings, models: Path) -> None:
    (models / "en_US-joe-medium.onnx.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"en_US-joe-medium\.onnx is no usable Piper voice"):
        choose_subject(settings)


def test_a_model_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    worker = settings.workers["whisper-base"].model_copy(update={"model": "/nowhere/base"})
    with pytest.raises(ConfigError, match="/nowhere/base does not exist"):
        choose_subject(settings.model_copy(update={"workers": {**settings.workers, "whisper-base": worker}}))


def test_a_catalogue_model_that_was_not_fetched_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        choose_subject(Settings.from_sources({"paths": {"cache_dir": str(tmp_path)}}, {}))
    assert "avatar models fetch whisper-base" in caught.value.hint


def test_other_workers_on_the_ladder_are_passed_over(settings: Settings) -> None:
    tree = settings.model_dump(mode="json")
    tree["workers"]["far"] = {"engine": "wyoming", "wyoming_role": "asr", "uri": "tcp://10.0.0.1:10300"}
    tree["asr"]["workers"] = ["far", "whisper-base"]
    whisper = choose_subject(Settings.from_sources(tree, {})).whisper
    assert whisper is not None
    assert whisper.worker == "whisper-base"


def test_a_configuration_without_stock_engines_has_nothing_to_compare(settings: Settings) -> None:
    tree = settings.model_dump(mode="json")
    tree["workers"] |= {"a": {"engine": "fake", "fake_role": "asr"}, "t": {"engine": "espeak-ng"}}
    tree["asr"]["workers"], tree["tts"]["workers"] = ["a"], ["t"]
    with pytest.raises(NothingToCompare, match="neither"):
        choose_subject(Settings.from_sources(tree, {}))


def derived(settings: Settings, subject: Subject, tmp_path: Path, *, same_settings: bool) -> Settings:
    tree = derived_config(settings, subject, tmp_path, asr_port=40001, tts_port=40002, same_settings=same_settings)
    return Settings.from_sources(tree, {})


def test_the_small_appliance_is_the_configured_one_apart_from_the_running_one(
    settings: Settings, tmp_path: Path
) -> None:
    made = derived(settings, choose_subject(settings), tmp_path, same_settings=False)
    assert (made.host, made.asr.port, made.tts.port) == ("127.0.0.1", 40001, 40002)
    assert (made.paths.runtime_dir, made.discovery.enabled) == (tmp_path, False)
    assert (made.asr.endpointing, made.tts.rate_hz, made.asr.workers, made.tts.workers) == (
        "server", 24000, ["whisper-base"], ["piper"],
    )  # fmt: skip
    assert made.workers["whisper-base"].window_s == 8.0  # type: ignore[union-attr]
    assert made.limits == settings.limits


def test_the_same_settings_as_a_stock_server_are_its_window_its_end_of_speech_and_its_rate(
    settings: Settings, tmp_path: Path
) -> None:
    made = derived(settings, choose_subject(settings), tmp_path, same_settings=True)
    assert (made.asr.endpointing, made.tts.rate_hz) == ("client", 22050)
    assert made.workers["whisper-base"].window_s == 30.0  # type: ignore[union-attr]


@pytest.mark.parametrize("kept", ["whisper", "piper"])
def test_one_role_alone_makes_a_valid_configuration(settings: Settings, tmp_path: Path, kept: str) -> None:
    both = choose_subject(settings)
    one = Subject(both.whisper if kept == "whisper" else None, both.piper if kept == "piper" else None)
    made = derived(settings, one, tmp_path, same_settings=True)
    assert ("whisper-base" in made.workers, "piper" in made.workers) == (kept == "whisper", kept == "piper")
