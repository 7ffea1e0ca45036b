"""The Qwen3-TTS worker on a stand-in with the packages' names; `make test-qwen` runs the true classes."""

from __future__ import annotations

import json
import os
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_fakes import fake_qwen3
from engine_fakes.fake_qwen3 import SAMPLES_PER_STEP, FakeBase, FakeFasterQwen3TTS

from avatar_appliance.config.qwen3_tts import Qwen3TtsWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown, WorkerFailed
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, write_voice_index
from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.qwen3_tts import Qwen3TtsEngine

TRANSCRIPT = "後面的燈已經打開了。"
TEXT = "打開客廳的燈。"


class House:
    """A loaded worker, its model folder and its profiles."""

    def __init__(self, folder: Path, **values: Any) -> None:
        self.folder = folder
        self.recording = folder / "mother.wav"
        write_recording(self.recording)
        self.model = model_folder(folder / "model")
        voice = {"name": "m", "language": "zh-TW", "reference_audio": self.recording, "reference_text": TRANSCRIPT}
        base = {"engine": "qwen3-tts", "model": str(self.model), "device": "cpu", "voices": [voice]}
        self.index = folder / "index.json"
        settings = Qwen3TtsWorker(**{**base, **values})
        self.engine = Qwen3TtsEngine(settings, self.model, index=VoiceIndex(self.index))
        self.engine.load()
        self.faster = FakeFasterQwen3TTS.made[-1]
        self.base: FakeBase = self.faster.base_model
        self.faster.calls.clear()

    def speak(self, text: str = TEXT, voice: str = "m", stop: StopFlag | None = None) -> Iterator[np.ndarray]:
        for piece in self.engine.synthesize(text, voice, None, stop or StopFlag()):
            assert piece.rate_hz == 24_000
            yield np.frombuffer(piece.pcm, "<i2")

    def profile(self, *, version: int = 1, languages: tuple[str, ...] = ("zh-TW", "nl")) -> ClonedVoice:
        recording = self.folder / "anna" / f"reference-{version}.wav"
        recording.parent.mkdir(exist_ok=True)
        write_recording(recording)
        return ClonedVoice(
            id="anna", name="Anna", languages=languages, version=version, speed=1, tier="auto", purpose="answers",
            is_default=False, reference=recording, transcript=TRANSCRIPT, transcript_language="zh-TW",
        )  # fmt: skip


def write_recording(file: Path, seconds: float = 3.0) -> None:
    sound = np.sin(np.arange(int(seconds * 24_000)) * 0.05) * 8000
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 24_000, 0, "NONE", ""))
        out.writeframes(sound.astype("<i2").tobytes())


def model_folder(folder: Path) -> Path:
    codec = folder / "speech_tokenizer"
    codec.mkdir(parents=True, exist_ok=True)
    kind = {"model_type": "qwen3_tts", "tts_model_type": "base", "tokenizer_type": "qwen3_tts_tokenizer_12hz"}
    (folder / "config.json").write_text(json.dumps(kind))
    for file in (folder / "generation_config.json", codec / "config.json", codec / "preprocessor_config.json"):
        file.write_text("{}")
    return folder


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", os.environ.get("CUDA_VISIBLE_DEVICES", ""))  # the worker hides the GPUs
    fake_qwen3.install(monkeypatch)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_every_step_is_heard_once_and_in_order(house: House) -> None:
    house.faster.steps = lambda _: iter(range(30))
    wave_of_all = np.concatenate(list(house.speak()))
    assert [round(value / 32.767) for value in wave_of_all[::SAMPLES_PER_STEP].tolist()] == list(range(30))


@pytest.mark.parametrize("chunk_steps", [1, 4, 12])
def test_the_first_sound_is_out_after_so_many_steps(tmp_path: Path, chunk_steps: int) -> None:
    house = House(tmp_path, chunk_steps=chunk_steps)
    taken: list[int] = []

    def steps(_: str) -> Iterator[int]:
        for step in range(30):
            taken.append(step)
            yield step

    house.faster.steps = steps
    assert len(next(house.speak())) == chunk_steps * SAMPLES_PER_STEP
    assert len(taken) == chunk_steps


def test_nothing_goes_on_within_a_piece_that_nobody_wants_any_more(tmp_path: Path) -> None:
    house = House(tmp_path, chunk_steps=20)
    stop = StopFlag()
    taken: list[int] = []

    def steps(_: str) -> Iterator[int]:
        for step in range(100):
            taken.append(step)
            if step == 7:
                stop.set()
            yield step

    house.faster.steps = steps
    assert list(house.speak(stop=stop)) == []
    assert len(taken) == 8
    house.faster.steps = lambda _: iter(range(5))
    assert len(list(house.speak())) == 1  # the next one speaks


def test_a_text_longer_than_it_can_be_is_cut_and_the_log_does_not_say_what_it_was(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.faster.steps = lambda _: iter(range(10_000))
    # The recording says 10.2 syllables in 3 s. The text has 7.2: 2.1 s, so at most twice that and 2 s.
    seconds = sum(map(len, house.speak())) / 24_000
    assert seconds == pytest.approx(2 * 7.2 * 3 / 10.2 + 2, abs=0.2)
    assert "found no end" in caplog.text
    assert "打" not in caplog.text
    caplog.clear()
    house.faster.steps = lambda _: iter(range(20))
    assert sum(map(len, house.speak())) == 20 * SAMPLES_PER_STEP
    assert caplog.text == ""


def test_traditional_chinese_is_read_as_simplified_and_japanese_is_left_alone(house: House) -> None:
    list(house.speak("重慶的音樂"))
    assert (house.faster.calls[-1]["text"], house.faster.calls[-1]["language"]) == ("重庆的音乐", "Chinese")
    list(house.speak("電気をつけて"))
    assert (house.faster.calls[-1]["text"], house.faster.calls[-1]["language"]) == ("電気をつけて", "Japanese")
    assert house.faster.calls[-1]["ref_text"] == "后面的灯已经打开了。"


def test_a_language_that_the_model_lacks_is_left_to_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    write_voice_index(house.index, [house.profile(languages=("pt-BR",))])
    list(house.speak("bom dia", "clone:anna:1"))
    assert house.faster.calls[-1]["language"] == "Auto"


def test_long_texts_come_piece_by_piece(house: House) -> None:
    house.faster.steps = lambda _: iter(range(8))
    pieces = list(house.speak("今天天氣很好，我們出去走走，順便買一點水果和麵包。" * 10))
    assert len(house.faster.calls) > 2
    assert len(pieces) == 2 * len(house.faster.calls)
    # None of them may be longer than the attention cache has room for, behind the longest recording.
    assert max(call["max_new_tokens"] for call in house.faster.calls) < 1024 - 210


def test_nothing_to_say_is_no_sound(house: House) -> None:
    assert list(house.speak(" ……\n")) == []
    assert house.faster.calls == []


def test_the_recording_is_prepared_once_with_a_pause_behind_it(house: House) -> None:
    write_voice_index(house.index, [house.profile()])
    before = len(house.base.heard)
    (own, anna) = house.engine.program().voices
    assert (own.name, anna.name, anna.description, anna.languages) == ("m", "clone:anna:1", "Anna", ["zh-TW"])
    assert len(house.base.heard) == before
    for _ in range(3):
        assert list(house.speak(TEXT, "clone:anna:1"))
    assert len(house.base.heard) == before + 1
    sound, rate_hz, transcript = house.base.heard[-1]
    assert (rate_hz, transcript) == (24_000, "后面的灯已经打开了。")
    assert len(sound) / rate_hz == pytest.approx(3.5, abs=0.05)
    assert not sound[-12_000:].any()
    assert house.faster.calls[-1]["prompt"] == ["codes of 后面的灯已经打开了。"]


def test_a_changed_profile_is_heard_anew_and_a_deleted_one_is_gone(house: House) -> None:
    write_voice_index(house.index, [house.profile()])
    list(house.speak(TEXT, "clone:anna:1"))
    write_voice_index(house.index, [house.profile(version=2)])
    with pytest.raises(VoiceUnknown):
        next(house.speak(TEXT, "clone:anna:1"))
    before = len(house.base.heard)
    list(house.speak(TEXT, "clone:anna:2"))
    assert len(house.base.heard) == before + 1
    write_voice_index(house.index, [])
    assert [voice.name for voice in house.engine.program().voices] == ["m"]


def test_an_unknown_voice_is_refused(house: House) -> None:
    with pytest.raises(VoiceUnknown):
        next(house.engine.synthesize("x", "nobody", None, StopFlag()))
    with pytest.raises(VoiceUnknown):
        next(house.engine.synthesize("x", "m", "somebody", StopFlag()))


def test_a_gpu_that_is_full_is_a_failure_of_this_text_only(house: House) -> None:
    def full(_: str) -> Iterator[int]:
        yield from range(6)
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    house.faster.steps = full
    pieces = house.speak()
    assert len(next(pieces)) == 4 * SAMPLES_PER_STEP
    with pytest.raises(WorkerFailed, match="not enough GPU memory"):
        next(pieces)
    house.faster.steps = lambda _: iter(range(4))
    assert len(list(house.speak())) == 1
    house.faster.steps = lambda _: (_ for _ in ()).throw(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        list(house.speak())


def test_it_is_loaded_from_its_folder_and_asks_nobody(house: House) -> None:
    ((folder, options),) = FakeBase.loaded
    assert folder == str(house.model)
    assert options == {"device_map": "cpu", "dtype": "float32", "attn_implementation": "sdpa"}
    assert house.faster.talker_graph.max_seq_len == 1024


def test_it_has_spoken_before_anybody_asks_and_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    House(tmp_path, voices=[])
    assert FakeFasterQwen3TTS.made[-1].base_model.heard  # a voice was made
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tts_model_type": "custom_voice"}, "cannot clone"),
        ({"model_type": "qwen3"}, "no model of Qwen3-TTS"),
        ({"tokenizer_type": "qwen3_tts_tokenizer_25hz"}, "has the codec"),
    ],
)
def test_a_model_that_cannot_clone_is_named(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    folder = model_folder(tmp_path / "model")
    kind = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**kind, **change}))
    with pytest.raises(ConfigError, match=reason):
        Qwen3TtsEngine(Qwen3TtsWorker(engine="qwen3-tts", model="m", device="cpu"), folder).load()


def test_a_folder_that_is_not_whole_is_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    engine = Qwen3TtsEngine(Qwen3TtsWorker(engine="qwen3-tts", model="m", device="cpu"), folder)
    (folder / "broken").touch()
    with pytest.raises(ConfigError, match="cannot be loaded"):
        engine.load()
    (folder / "speech_tokenizer/config.json").unlink()
    with pytest.raises(ConfigError, match=r"has no speech_tokenizer/config\.json") as caught:
        engine.load()
    assert "-Base" in str(caught.value.hint)


def test_a_recording_that_says_something_else_is_refused(house: House, tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    write_recording(short, 0.5)
    voice = {"name": "s", "language": "zh", "reference_audio": short, "reference_text": TRANSCRIPT}
    with pytest.raises(ConfigError, match=r"has 0\.5 s of speech"):
        House(tmp_path, voices=[voice])
    with pytest.raises(ConfigError, match="does not fit the recording"):
        House(tmp_path, voices=[{**voice, "reference_audio": house.recording, "reference_text": "好"}])


def test_without_the_packages_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qwen_tts", None)
    with pytest.raises(ImportError):
        House(tmp_path)
