"""Finding and starting the stock servers and our own small appliance, with programs that stand in for them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar_appliance.bench import PeerMissing, ServerDidNotStart, peers, small_appliance
from avatar_appliance.bench.peers import PeerPrograms, asr_command, find_peers, stock_servers, tts_command
from avatar_appliance.bench.subject import Subject, choose_subject
from avatar_appliance.client import describe
from avatar_appliance.config import Settings

from .programs import failing_program, is_alive, our_program, stock_program


@pytest.fixture
def subject(settings: Settings) -> Subject:
    return choose_subject(settings)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No stock server among our packages; PATH is the folder returned."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(programs))
    return programs


async def test_a_missing_peer_says_how_to_install_it(subject: Subject, nothing_installed: Path) -> None:
    with pytest.raises(PeerMissing, match="wyoming-faster-whisper is not installed") as caught:
        await find_peers(subject, None)
    assert caught.value.code == "bench-peer-missing"
    assert "avatar-appliance[peer]" in caught.value.hint
    assert "--peer-python" in caught.value.hint


async def test_peers_are_found_on_the_path(subject: Subject, nothing_installed: Path) -> None:
    programs = [stock_program(nothing_installed, name) for name in ("wyoming-faster-whisper", "wyoming-piper")]
    found = await find_peers(subject, None)
    assert (found.asr, found.tts) == ((str(programs[0]),), (str(programs[1]),))


async def test_only_the_peers_that_are_needed_are_looked_for(subject: Subject, nothing_installed: Path) -> None:
    stock_program(nothing_installed, "wyoming-piper")
    found = await find_peers(Subject(None, subject.piper), None)
    assert (found.asr, found.tts is not None) == (None, True)


async def test_peers_of_our_own_interpreter_are_run_as_modules(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: object())
    found = await find_peers(subject, None)
    assert found.asr == (sys.executable, "-m", "wyoming_faster_whisper")


async def test_an_interpreter_without_the_peers_is_named(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(PeerMissing, match=f"wyoming-faster-whisper is not installed for {tmp_path}"):
        await find_peers(subject, tmp_path / "python")


async def test_an_interpreter_tells_the_versions_it_has(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"wyoming-faster-whisper": "3.8.1", "wyoming-piper": "2.5.2", "ctranslate2": "4.8"}
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(versions)}'\n")
    python.chmod(0o755)
    found = await find_peers(subject, python)
    assert found.packages == versions
    assert found.asr == (str(python), "-m", "wyoming_faster_whisper")


def test_both_sides_get_the_same_model_threads_and_beams(subject: Subject, tmp_path: Path) -> None:
    assert subject.whisper is not None
    command = asr_command(("stock",), subject.whisper, 1234, tmp_path)
    options = dict(zip(command[1:-1:2], command[2:-1:2], strict=True))
    assert command[-1] == "--local-files-only"
    assert options == {
        "--uri": "tcp://127.0.0.1:1234",
        "--stt-library": "faster-whisper",
        "--model": str(subject.whisper.model),
        "--data-dir": str(tmp_path),
        "--device": "cpu",
        "--compute-type": "int8",
        "--cpu-threads": str(subject.whisper.settings.threads),
        "--beam-size": "1",
    }


@pytest.mark.parametrize("scale", [None, 1.5])
def test_both_sides_get_the_same_voice_and_speed(settings: Settings, tmp_path: Path, scale: float | None) -> None:
    worker = settings.workers["piper"].model_copy(update={"length_scale": scale})
    piper = choose_subject(settings.model_copy(update={"workers": {**settings.workers, "piper": worker}})).piper
    assert piper is not None
    command = tts_command(("stock",), piper, 1234, tmp_path)
    assert command[command.index("--voice") + 1] == "en_US-joe-medium"
    assert command[command.index("--data-dir") + 1] == str(piper.model.parent)
    assert ("--length-scale" in command) == (scale is not None)


async def test_stock_servers_run_until_the_block_ends(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note"
    monkeypatch.setenv("STUB_NOTE", str(note))
    monkeypatch.setenv("STUB_ENTRY", "/home/anna/models/base")
    monkeypatch.setenv("PYTHONPATH", "/our/packages")
    asr, tts = (str(stock_program(tmp_path, name)) for name in ("asr", "tts"))
    async with stock_servers(PeerPrograms((asr,), (tts,), {"wyoming": "1"}), subject, tmp_path) as arm:
        assert arm.asr is not None
        assert arm.tts is not None
        assert (await describe(arm.tts)).tts
        assert (arm.voice, arm.client_ends) == ("en_US-joe-medium", True)
        assert arm.facts.settings["asr_window_s"] == 30.0
        assert [(p.role, p.models) for p in arm.facts.programs] == [("asr", ("base",)), ("tts", ())]
        started = [json.loads(line) for line in note.read_text().splitlines()]
    assert len(started) == 2
    assert all("PYTHONPATH" not in entry["env"] for entry in started)
    assert not any(is_alive(entry["pid"]) for entry in started)


async def test_a_stock_server_that_fails_stops_the_others(subject: Subject, tmp_path: Path) -> None:
    asr, tts = str(stock_program(tmp_path, "asr")), str(failing_program(tmp_path, "voice not found"))
    with pytest.raises(ServerDidNotStart, match=r"(?s)wyoming-piper ended with code 3.*voice not found"):
        async with stock_servers(PeerPrograms((asr,), (tts,), {}), subject, tmp_path):
            pass


async def test_the_small_appliance_is_two_workers_and_two_servers(
    settings: Settings, subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note"
    monkeypatch.setenv("STUB_NOTE", str(note))
    monkeypatch.setenv("STUB_ENTRY", "en_US-joe-medium")
    monkeypatch.setenv("AVATAR_ASR__PORT", "1")
    monkeypatch.setattr(small_appliance.sys, "executable", str(our_program(tmp_path)))
    monkeypatch.setattr(
        small_appliance.yaml, "safe_dump", lambda tree, **_: json.dumps(tree)
    )  # the stand-in has no YAML
    async with small_appliance.small_appliance(settings, subject, tmp_path, "ours-same-settings") as arm:
        facts = arm.facts
        started = [json.loads(line) for line in note.read_text().splitlines()]
    assert {tuple(entry["argv"][-2:]) for entry in started} == {
        ("worker", "whisper-base"), ("worker", "piper"), ("serve", "asr"), ("serve", "tts"),
    }  # fmt: skip
    assert all(f"--parent {os.getpid()}" in " ".join(entry["argv"]) for entry in started)
    assert all("AVATAR_ASR__PORT" not in entry["env"] for entry in started)
    assert not any(is_alive(entry["pid"]) for entry in started)
    assert (facts.name, facts.settings["asr_window_s"], facts.settings["tts_rate_hz"]) == (
        "ours-same-settings", 30.0, 22050,
    )  # fmt: skip
    assert [p.models for p in facts.programs] == [("en_US-joe-medium",)] * 2


async def test_the_configuration_written_for_the_small_appliance_can_be_loaded(
    settings: Settings, subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_appliance.sys, "executable", str(failing_program(tmp_path, "read nothing")))
    with contextlib.suppress(ServerDidNotStart):
        async with small_appliance.small_appliance(settings, subject, tmp_path, "ours"):
            pass
    tree: dict[str, Any] = yaml.safe_load((tmp_path / "ours" / "config.yaml").read_text(encoding="utf-8"))
    assert Settings.from_sources(tree, {}).asr.workers == ["whisper-base"]
