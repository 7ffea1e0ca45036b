"""Loading recordings, with what is said in them, and what a report may tell of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from avatar_appliance.bench import NoRecordings, recordings
from avatar_appliance.bench.recordings import HOME_ASSISTANT_END_S, Recording, load_recordings
from avatar_appliance.client import WavAudio, write_wav
from avatar_appliance.errors import BadRequest

from .conftest import RATE_HZ, tone, wav


def test_a_text_file_beside_a_recording_is_its_reference(folder: Path) -> None:
    (found,) = load_recordings(folder, "en")
    assert (found.reference, found.language, found.last_loud_s) == ("Turn on the light.", "en", pytest.approx(0.05))


def test_an_owners_recording_is_numbered_and_never_quoted(folder: Path) -> None:
    (found,) = load_recordings(folder)
    facts = found.facts()
    assert (facts.name, facts.reference) == ("recording-01", None)
    assert "light" not in facts.model_dump_json()


def test_a_manifest_names_language_and_reference(folder: Path) -> None:
    clips = [{"file": "turn-on-the-light.wav", "language": "zh-TW", "reference": "開燈", "duration_s": 1, "kind": "x"}]
    (folder / "manifest.json").write_text(json.dumps({"note": "n", "clips": clips}), encoding="utf-8")
    (found,) = load_recordings(folder, "en")
    assert (found.language, found.reference, found.public) == ("zh-TW", "開燈", False)


def test_bundled_recordings_are_named_and_quoted_if_their_bytes_are_right(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wav(folder / "other.wav", wav(tone(0.1)))
    sha256 = hashlib.sha256((folder / "turn-on-the-light.wav").read_bytes()).hexdigest()
    clips = [
        {"file": "turn-on-the-light.wav", "sha256": sha256, "reference": "Turn on the light.", "licence": "CC0"},
        {"file": "other.wav", "sha256": "0" * 64, "reference": "private"},
    ]
    (folder / "manifest.json").write_text(json.dumps({"clips": clips}), encoding="utf-8")
    monkeypatch.setattr(recordings, "bundled_folder", lambda: folder)
    other, bundled = load_recordings(None)
    assert (bundled.facts().name, bundled.facts().reference) == ("turn-on-the-light", "Turn on the light.")
    assert (other.facts().name, other.facts().reference) == ("recording-01", None)


def test_a_folder_without_wav_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(NoRecordings, match="no WAV file") as caught:
        load_recordings(tmp_path)
    assert caught.value.code == "bench-no-recordings"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoRecordings, match="is no folder"):
        load_recordings(tmp_path / "nowhere")


def test_an_installation_without_bundled_recordings_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "bundled_folder", lambda: None)
    with pytest.raises(NoRecordings, match="not installed"):
        load_recordings(None)


def test_a_silent_recording_is_refused_by_name(folder: Path) -> None:
    write_wav(folder / "quiet.wav", wav(np.zeros(RATE_HZ)))
    with pytest.raises(BadRequest, match=r"quiet\.wav is silent"):
        load_recordings(folder)


def test_a_file_that_is_no_wav_is_refused_by_name(folder: Path) -> None:
    (folder / "broken.wav").write_bytes(b"ID3")
    with pytest.raises(BadRequest, match=r"broken\.wav"):
        load_recordings(folder)


@pytest.mark.parametrize("content", ["[]", "{", '{"clips": [{"language": "en"}]}'])
def test_a_broken_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadRequest, match="no manifest"):
        load_recordings(folder)


def test_silence_is_appended_for_a_server_that_ends_the_utterance(recording: Recording) -> None:
    heard = recording.spoken(0.5, client_ends=False)
    assert heard.duration_s == pytest.approx(0.58)
    assert heard.pcm[: len(recording.audio.pcm)] == recording.audio.pcm
    assert not any(heard.pcm[len(recording.audio.pcm) :])


def test_the_client_ends_as_home_assistant_does_where_it_has_to(recording: Recording) -> None:
    heard = recording.spoken(9.0, client_ends=True)
    assert heard.duration_s == pytest.approx(0.05 + HOME_ASSISTANT_END_S)


def test_a_long_tail_is_cut_where_home_assistant_would_stop() -> None:
    audio = wav(tone(0.1), np.zeros(3 * RATE_HZ))
    long = Recording("long", audio, last_loud_s=0.09, sha256="0" * 64)
    assert long.spoken(2.0, client_ends=True).duration_s == pytest.approx(0.09 + HOME_ASSISTANT_END_S)


def test_the_silence_of_eight_bit_audio_is_its_middle() -> None:
    eight = Recording("8", WavAudio(8000, 1, 1, b"\xff" * 80), last_loud_s=0.0, sha256="0" * 64)
    assert eight.spoken(0.01, client_ends=False).pcm[80:] == b"\x80" * 80
