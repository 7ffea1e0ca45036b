"""The CosyVoice worker on a stand-in with upstream's names; docs/gpu-workers.md says what ran on the true classes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_fakes import fake_cosyvoice
from engine_fakes.fake_cosyvoice import SAMPLES_PER_TOKEN, FakeCosyVoice2

from avatar_appliance.config.gpu_workers import CosyVoiceWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown, WorkerFailed
from avatar_appliance.voices.voice_index import ClonedVoice, VoiceIndex, write_voice_index
from wyoming_servers.workers.cosyvoice import CosyVoiceEngine
from wyoming_servers.workers.engine import StopFlag

TEXT = "一二三四五六七八九十，一二三四五六七。"
TOKENS = 10 * len(TEXT)
PARTS = ("llm.pt", "flow.pt", "hift.pt", "campplus.onnx", "CosyVoice-BlankEN")


class House:
    def __init__(self, folder: Path, made: list[FakeCosyVoice2], version: int = 2, **values: Any) -> None:
        for part in (f"cosyvoice{version}.yaml", f"speech_tokenizer_v{version}.onnx", *PARTS):
            (folder / part).touch()
        recording = folder / "mother.wav"
        recording.write_bytes(b"sound")
        voice = {"name": "m", "language": "zh-TW", "reference_audio": recording, "reference_text": "後面的燈"}
        base = {"engine": "cosyvoice", "model": str(folder), "device": "cpu", "voices": [voice]}
        self.index = folder / "index.json"
        self.engine = CosyVoiceEngine(CosyVoiceWorker(**{**base, **values}), folder, index=VoiceIndex(self.index))
        self.engine.load()
        self.cosy = made[-1]
        self.model = self.cosy.model
        self.model.calls.clear()

    @staticmethod
    def engine_of(folder: Path) -> CosyVoiceEngine:
        """One more over a folder that has a model."""
        return CosyVoiceEngine(CosyVoiceWorker(engine="cosyvoice", model=str(folder), device="cpu"), folder)

    def speak(self, text: str = TEXT, stop: StopFlag | None = None) -> Iterator[np.ndarray]:
        for piece in self.engine.synthesize(text, "m", None, stop or StopFlag()):
            assert piece.rate_hz == 24_000
            yield np.frombuffer(piece.pcm, "<i2")

    def heard(self) -> list[int]:
        """The tokens that were heard, each once."""
        wave = np.concatenate(list(self.speak()))
        return [round(sample / 32.767) for sample in wave[::SAMPLES_PER_TOKEN].tolist()]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[FakeCosyVoice2]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", os.environ.get("CUDA_VISIBLE_DEVICES", ""))  # the worker hides the GPUs
    return fake_cosyvoice.install(monkeypatch)


@pytest.fixture
def house(tmp_path: Path, made: list[FakeCosyVoice2]) -> House:
    return House(tmp_path, made)


def test_every_token_is_heard_once_and_in_order(house: House) -> None:
    assert house.heard() == list(range(TOKENS))


def test_the_first_sound_needs_a_second_of_speech_for_each_text_anew(house: House) -> None:
    # Upstream's hop grows on the model: from its third text on the first piece has 100 tokens.
    for _ in range(4):
        house.model.calls.clear()
        assert len(list(house.speak())) == 4
        assert [call["tokens"] for call in house.model.calls] == [25, 50, 100, TOKENS - 175]
        assert [call["finalize"] for call in house.model.calls] == [False, False, False, True]
    assert house.model.token_hop_len == 25


def test_sound_comes_while_the_language_model_still_thinks(house: House) -> None:
    more = threading.Event()

    def slow(count: int) -> Iterator[int]:
        yield from range(28)
        assert more.wait(10)
        yield from range(28, count)

    house.model.make = slow
    pieces = house.speak()
    assert len(next(pieces)) == 25 * SAMPLES_PER_TOKEN
    more.set()
    assert sum(map(len, pieces)) == (TOKENS - 25) * SAMPLES_PER_TOKEN


def test_the_recording_is_cut_to_whole_chunks_for_the_flow_model_only(house: House) -> None:
    voice = house.cosy.frontend.spk2info["m"]
    assert voice["flow_prompt_speech_token"].tolist() == [list(range(7, 82))]
    assert voice["prompt_speech_feat"].shape == (1, 150, 80)
    assert (voice["flow_prompt_speech_token_len"], voice["prompt_speech_feat_len"]) == ([75], [150])
    assert voice["llm_prompt_speech_token"].shape == (1, 82)  # it belongs to the transcript


def test_nothing_goes_on_for_a_text_that_nobody_wants_any_more(house: House) -> None:
    made: list[int] = []
    goes_on = threading.Event()

    def endless(_: int) -> Iterator[int]:
        for token in range(10**9):
            made.append(token)
            yield token % 1000
            if token > 1000:
                goes_on.wait(10)

    for end in ("stop", "close"):
        made.clear()
        goes_on.clear()
        house.model.make = endless
        stop = StopFlag()
        pieces = house.speak(stop=stop)
        next(pieces)
        goes_on.set()
        if end == "stop":
            stop.set()
            assert list(pieces) == []
        else:
            pieces.close()  # type: ignore[attr-defined]
        count = len(made)
        house.model.make = lambda n: iter(range(n))
        assert house.heard()[:5] == [0, 1, 2, 3, 4]  # its thread is free again
        assert len(made) == count
    assert not house.model.tts_speech_token_dict
    assert not house.model.hift_cache_dict


def test_a_language_model_that_fails_is_heard_of(house: House) -> None:
    def broken(_: int) -> Iterator[int]:
        yield from range(30)
        raise ValueError("broken")

    house.model.make = broken
    with pytest.raises(ValueError, match="broken"):
        list(house.speak())
    house.model.make = lambda _: (_ for _ in ()).throw(RuntimeError("CUDA out of memory"))
    with pytest.raises(WorkerFailed, match="not enough GPU memory"):
        list(house.speak())


def test_a_text_without_tokens_is_no_sound(house: House) -> None:
    house.model.make = lambda _: iter(())
    assert list(house.speak()) == []
    assert house.model.calls == []


def test_another_speed_is_one_piece_at_the_end(tmp_path: Path, made: list[FakeCosyVoice2]) -> None:
    house = House(tmp_path, made, speed=1.25)
    assert [len(piece) for piece in house.speak()] == [TOKENS * int(SAMPLES_PER_TOKEN / 1.25)]
    assert [call["speed"] for call in house.model.calls] == [1.25]


def test_long_texts_come_sentence_by_sentence_in_simplified_characters(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    real = house.cosy.frontend.frontend_zero_shot

    def listen(tts_text: str, *rest: Any) -> Any:
        said.append(tts_text)
        return real(tts_text, *rest)

    monkeypatch.setattr(house.cosy.frontend, "frontend_zero_shot", listen)
    list(house.speak("後面的燈已經打開了。" * 12))
    assert len(said) > 1
    assert "".join(said) == "后面的灯已经打开了。" * 12


@pytest.mark.parametrize(
    ("version", "prompt"), [(2, "后面的灯"), (3, "You are a helpful assistant.<|endofprompt|>后面的灯")]
)
def test_only_cosyvoice_3_has_an_instruction(
    tmp_path: Path, made: list[FakeCosyVoice2], version: int, prompt: str
) -> None:
    house = House(tmp_path, made, version=version)
    assert house.cosy.frontend.spk2info["m"]["prompt_text"] == prompt
    assert house.engine.program().version == str(version)


def test_what_cannot_work_is_a_configuration_error(tmp_path: Path, made: list[FakeCosyVoice2]) -> None:
    voice = {"name": "m", "language": "zh-TW", "reference_audio": "/nowhere.wav", "reference_text": "x"}
    with pytest.raises(ConfigError, match=r"voice m: /nowhere\.wav cannot be used"):
        House(tmp_path, made, voices=[voice])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="no model of CosyVoice 2 or 3"):
        CosyVoiceEngine(CosyVoiceWorker(engine="cosyvoice", model="x", voices=[voice]), empty).load()


def test_an_unknown_voice_is_refused(house: House) -> None:
    house.cosy.frontend.spk2info["of the model folder"] = {}
    for name in ("nobody", "of the model folder"):
        with pytest.raises(VoiceUnknown):
            next(house.engine.synthesize("x", name, None, StopFlag()))


def profile(folder: Path, *, version: int = 1, speed: float = 1.0) -> ClonedVoice:
    recording = folder / "anna" / f"reference-{version}.wav"
    recording.parent.mkdir(exist_ok=True)
    recording.write_bytes(b"sound")
    return ClonedVoice(
        id="anna", name="Anna", languages=("zh-TW", "de"), version=version, speed=speed, tier="high-quality",
        purpose="answers", is_default=False, reference=recording, transcript="後面的燈", transcript_language="zh-TW",
    )  # fmt: skip


def test_a_profile_is_registered_when_it_is_first_spoken_with_and_only_then(tmp_path: Path, house: House) -> None:
    write_voice_index(house.index, [profile(tmp_path)])
    (own, anna) = house.engine.program().voices
    assert (own.name, anna.name, anna.description, anna.languages) == ("m", "clone:anna:1", "Anna", ["zh-TW"])
    assert "clone:anna:1" not in house.cosy.frontend.spk2info
    for _ in range(2):
        pieces = list(house.engine.synthesize(TEXT, "clone:anna:1", None, StopFlag()))
        assert sum(len(piece.pcm) for piece in pieces) == 2 * TOKENS * SAMPLES_PER_TOKEN
    assert house.cosy.frontend.spk2info["clone:anna:1"]["prompt_text"] == "后面的灯"


def test_a_deleted_profile_is_forgotten_by_the_model_too(tmp_path: Path, house: House) -> None:
    write_voice_index(house.index, [profile(tmp_path)])
    list(house.engine.synthesize(TEXT, "clone:anna:1", None, StopFlag()))
    write_voice_index(house.index, [])
    assert [voice.name for voice in house.engine.program().voices] == ["m"]
    assert "clone:anna:1" not in house.cosy.frontend.spk2info
    with pytest.raises(VoiceUnknown):
        next(house.engine.synthesize("x", "clone:anna:1", None, StopFlag()))


def test_a_profile_speaks_at_its_own_speed(tmp_path: Path, house: House) -> None:
    write_voice_index(house.index, [profile(tmp_path, speed=2.0)])
    pieces = list(house.engine.synthesize(TEXT, "clone:anna:1", None, StopFlag()))
    assert sum(len(piece.pcm) for piece in pieces) == TOKENS * SAMPLES_PER_TOKEN


def test_a_worker_needs_no_voice_of_its_own(tmp_path: Path, made: list[FakeCosyVoice2]) -> None:
    house = House(tmp_path, made, voices=[])
    assert house.engine.program().voices == []
    write_voice_index(house.index, [profile(tmp_path)])
    assert list(house.engine.synthesize(TEXT, "clone:anna:1", None, StopFlag()))


@pytest.mark.parametrize("part", ["llm.pt", "speech_tokenizer_v2.onnx", "CosyVoice-BlankEN"])
def test_a_folder_with_a_part_missing_is_refused_before_anything_is_loaded(
    tmp_path: Path, made: list[FakeCosyVoice2], part: str
) -> None:
    House(tmp_path, made)
    (tmp_path / part).unlink()
    with pytest.raises(ConfigError, match=f"no whole model of CosyVoice 2: it lacks {part}"):
        House.engine_of(tmp_path).load()
    assert len(made) == 1


def test_a_broken_model_is_named_and_a_lack_of_memory_is_not_taken_for_one(
    tmp_path: Path, made: list[FakeCosyVoice2], monkeypatch: pytest.MonkeyPatch
) -> None:
    House(tmp_path, made)

    def fails(error: Exception) -> CosyVoiceEngine:
        def auto_model(**_: Any) -> Any:
            raise error

        monkeypatch.setattr(sys.modules["cosyvoice.cli.cosyvoice"], "AutoModel", auto_model)
        return House.engine_of(tmp_path)

    with pytest.raises(ConfigError, match="cannot be loaded as CosyVoice 2: invalid load key"):
        fails(ValueError("invalid load key\nand so on")).load()
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        fails(RuntimeError("CUDA out of memory")).load()
