"""Which devices a worker may have, what it holds, and when it goes: the owner's side of the coordinator."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_appliance.config import Settings, load_settings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.errors import ConfigError

MIB = 2**20


@pytest.fixture(autouse=True)
def _no_other_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AVATAR_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def load(text: str) -> Settings:
    file = Path("config.yaml")
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def worker(keys: str, engine: str = "faster-whisper") -> LocalWorker:
    others = "piper: {engine: piper}, espeak: {engine: espeak-ng}, chat: {engine: llama-cpp}"
    asr = "whisper-base: {engine: faster-whisper}"
    settings = load(f"workers: {{x: {{engine: {engine}, {keys}}}, {asr}, {others}}}")
    found = settings.workers["x"]
    assert isinstance(found, LocalWorker)
    return found


def test_a_worker_is_described_as_the_owner_writes_it() -> None:
    found = worker("device: cuda:1, memory: 2.5GiB, peak_memory: 3000 MiB, keep_alive_s: 600, preload: false, "
                   "priority: 75, max_leases: 2")  # fmt: skip
    assert (found.wanted_device, found.memory, found.peak_memory) == ("cuda:1", 2560 * MIB, 3000 * MIB)
    assert (found.keep_alive_s, found.preload, found.priority, found.max_leases) == (600, False, 75, 2)


@pytest.mark.parametrize(
    ("engine", "keys", "words"),
    [
        (
            "faster-whisper",
            "pinned: true, keep_alive_s: 60",
            ("workers.x", "pinned and keep_alive_s exclude each other"),
        ),
        ("faster-whisper", "memory: 3GiB, peak_memory: 2GiB", ("workers.x", "peak_memory is less than memory")),
        ("faster-whisper", "memory: 3G", ("workers.x.memory", "'G' is no unit", "GiB or GB")),
        ("faster-whisper", "memory: true", ("workers.x.memory", "500MiB")),
        ("faster-whisper", "device: gpu", ("workers.x.device", "cuda")),
        ("faster-whisper", "device: 'cuda:'", ("workers.x.device",)),
        ("faster-whisper", "priority: 101", ("workers.x.priority", "100")),
        ("faster-whisper", "max_leases: 0", ("workers.x.max_leases", "1")),
        ("faster-whisper", "keep_alive_s: -1", ("workers.x.keep_alive_s", "0")),
        ("piper", "device: cuda", ("workers.x.device", "unknown key")),
        ("espeak-ng", "device: cpu", ("workers.x.device", "unknown key")),
        ("vllm", "model: m, device: cpu", ("workers.x", "needs a GPU")),
        ("llama-cpp", "device: cuda", ("workers.x", "gpu_layers: -1")),
        ("wyoming", "wyoming_role: asr, uri: 'tcp://a:1', memory: 1GiB", ("workers.x.memory", "unknown key")),
    ],
)
def test_what_makes_no_sense_is_refused_with_place_and_fix(engine: str, keys: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        worker(keys, engine)
    assert "config.yaml:1" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("engine", "keys", "expected"),
    [
        ("piper", "preload: true", 90),
        ("espeak-ng", "preload: true", 90),
        ("faster-whisper", "preload: true", 80),
        (
            "f5-tts",
            "weights: random, voices: [{name: a, language: en, reference_audio: a.wav, reference_text: hi}]",
            70,
        ),
        ("llama-cpp", "preload: true", 60),
        ("vllm", "model: m", 60),
        ("cosyvoice", "model: m, voices: [{name: a, language: en, reference_audio: a.wav, reference_text: hi}]", 30),
        ("fake", "fake_role: llm", 60),
        ("fake", "fake_role: asr", 80),
    ],
)
def test_what_people_wait_for_first_outranks_what_only_sounds_better(engine: str, keys: str, expected: int) -> None:
    assert worker(keys, engine).default_priority == expected


def test_the_coordinator_has_its_section() -> None:
    settings = load(
        "coordinator: {gpu_ceiling: 0.8, headroom: 1GiB, lease_wait_s: 1.5, guest_mode: {mode: auto, share: 0.3, "
        "programs: [cs2, ffmpeg]}}"
    ).coordinator
    assert (settings.gpu_ceiling, settings.headroom, settings.lease_wait_s) == (0.8, 1024 * MIB, 1.5)
    assert (settings.guest_mode.share, settings.guest_mode.programs) == (0.3, ["cs2", "ffmpeg"])


@pytest.mark.parametrize(("written", "meant"), [("on", "on"), ("off", "off"), ("auto", "auto"), ("'off'", "off")])
def test_yaml_does_not_turn_on_and_off_into_something_else(written: str, meant: str) -> None:
    """A bare `off` is the boolean false in YAML 1.1."""
    assert load(f"coordinator: {{guest_mode: {{mode: {written}}}}}").coordinator.guest_mode.mode == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("coordinator: {gpu_cieling: 1}", ("coordinator.gpu_cieling", "Did you mean gpu_ceiling?")),
        ("coordinator: {gpu_ceiling: 90}", ("coordinator.gpu_ceiling", "it says 90")),
        ("coordinator: {guest_mode: {mode: perhaps}}", ("coordinator.guest_mode.mode", "'auto', 'on' or 'off'")),
        ("coordinator: {guest_mode: {shares: 1}}", ("coordinator.guest_mode.shares", "Did you mean share?")),
        ("coordinator: {headroom: '1,5GiB'}", ("coordinator.headroom", "7.1GiB")),
    ],
)
def test_a_mistake_in_it_is_named_with_place_and_fix(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    for word in words:
        assert word in str(caught.value)


def test_the_environment_reaches_the_inner_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_COORDINATOR__GUEST_MODE__MODE", "off")
    monkeypatch.setenv("AVATAR_COORDINATOR__HEADROOM", "512MiB")
    settings = load("{}").coordinator
    assert (settings.guest_mode.mode, settings.headroom) == ("off", 512 * MIB)
