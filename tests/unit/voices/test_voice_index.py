"""The list of cloned voices on disk, as workers and the TTS server read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, voice_index_path, write_voice_index


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return voice_index_path(tmp_path)


@pytest.fixture
def anna(path: Path) -> ClonedVoice:
    return ClonedVoice(
        id="anna",
        name="Anna 安娜",
        languages=("en-GB", "zh-TW"),
        version=1,
        speed=1.0,
        tier="auto",
        purpose="answers",
        is_default=True,
        reference=path.parent / "anna" / "reference-1.wav",
        transcript="The kettle is on. 水開了。",
        transcript_language="en-GB",
    )


def test_without_a_file_there_are_no_voices(path: Path) -> None:
    assert VoiceIndex(path).voices == ()


def test_what_is_written_is_read(path: Path, anna: ClonedVoice) -> None:
    write_voice_index(path, [anna, replace(anna, id="ben", is_default=False)])
    index = VoiceIndex(path)
    assert [voice.id for voice in index.voices] == ["anna", "ben"]
    assert index.get("anna") == anna
    assert index.get("nobody") is None


def test_a_change_is_seen_and_no_change_costs_no_reading(path: Path, anna: ClonedVoice) -> None:
    write_voice_index(path, [anna])
    index = VoiceIndex(path)
    first = index.voices
    assert index.voices is first
    write_voice_index(path, [replace(anna, version=2)])
    assert index.voices[0].version == 2
    path.unlink()
    assert index.voices == ()


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"format": 2, "voices": []}',
        b'{"format": 1, "voices": [{"id": "anna"}]}',
        b"[" * 100_000,
    ],
)
def test_a_bad_file_leaves_the_last_good_voices_and_is_logged_once(
    path: Path, anna: ClonedVoice, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write_voice_index(path, [anna])
    index = VoiceIndex(path)
    assert index.voices == (anna,)
    path.write_bytes(content)
    assert index.voices == (anna,)
    assert index.voices == (anna,)
    assert len(caplog.records) == 1
    write_voice_index(path, [])
    assert index.voices == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "../anna"),
        ("id", "Anna"),
        ("reference", "../../etc/passwd"),
        ("reference", "/etc/passwd"),
        ("languages", []),
        ("languages", [1]),
        ("languages", ["en;rm"]),
        ("version", 0),
        ("version", True),
        ("speed", 9),
        ("tier", "best"),
        ("purpose", "singing"),
        ("is_default", 1),
        ("transcript", " "),
    ],
)
def test_an_entry_outside_the_contract_makes_the_file_bad_and_its_words_stay_out_of_the_log(
    path: Path, anna: ClonedVoice, name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    write_voice_index(path, [anna])
    document = json.loads(path.read_text("utf-8"))
    document["voices"][0][name] = value
    path.write_text(json.dumps(document), "utf-8")
    assert VoiceIndex(path).voices == ()
    assert len(caplog.records) == 1
    assert "kettle" not in caplog.text
    assert "kettle" not in repr(anna)


def test_names_of_a_later_release_do_no_harm(path: Path, anna: ClonedVoice) -> None:
    write_voice_index(path, [anna])
    document = json.loads(path.read_text("utf-8"))
    document["voices"][0]["mood"] = "calm"
    path.write_text(json.dumps(document), "utf-8")
    assert VoiceIndex(path).voices == (anna,)


def test_a_reference_outside_the_folder_is_not_written(path: Path, anna: ClonedVoice, tmp_path: Path) -> None:
    write_voice_index(path, [anna])
    for outside in (tmp_path / "anna.wav", path.parent / ".." / "anna.wav"):
        with pytest.raises(ValueError, match=r"subpath|outside"):
            write_voice_index(path, [replace(anna, reference=outside)])
    with pytest.raises(ValueError, match="one id"):
        write_voice_index(path, [anna, anna])
    assert VoiceIndex(path).voices == (anna,)
    assert os.listdir(path.parent) == ["index.json"]


def test_only_the_service_s_user_may_read_it(path: Path, anna: ClonedVoice) -> None:
    write_voice_index(path, [anna])
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_language_matches_whatever_its_region(anna: ClonedVoice) -> None:
    assert anna.speaks("en-US")
    assert anna.speaks("zh-Hant-TW")
    assert not anna.speaks("ja")


def test_it_needs_nothing_but_the_standard_library() -> None:
    """Workers import it in the environments of their engines."""
    code = (
        "import sys; before = set(sys.modules); import avatar_appliance.voices.voice_index; "
        "print([m for m in set(sys.modules) - before if m.split('.')[0] not in sys.stdlib_module_names"
        " and not m.startswith('avatar_appliance')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
