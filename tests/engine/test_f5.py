"""F5-TTS through its true classes, small and with random weights, on the CPU."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

if importlib.util.find_spec("f5_tts") is None or importlib.util.find_spec("torch") is None:
    pytest.skip("F5-TTS is not installed here: `make test-engines`", allow_module_level=True)

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.config.gpu_workers import F5TtsWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown
from avatar_appliance.voices.voice_index import VoiceIndex
from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.f5.front_end import joined_tokens, speech_text
from wyoming_servers.workers.f5.imports import F5Package, import_f5
from wyoming_servers.workers.f5.model import FRAMES_PER_S, F5Model, load_model, random_model
from wyoming_servers.workers.f5.reference import Reference, load_reference
from wyoming_servers.workers.f5.sampler import Sampler
from wyoming_servers.workers.f5_tts import F5TtsEngine

if TYPE_CHECKING:
    from .conftest import Profiles

pytestmark = [pytest.mark.engine_f5, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")]

TRANSCRIPT = "今天天氣很好，我們出去走走。"
BYTES_PER_S = 48_000
LONG_TEXT = "打開客廳的燈，然後告訴我明天的天氣怎麼樣。"


@pytest.fixture(scope="module")
def package() -> F5Package:
    return import_f5()


@pytest.fixture(scope="module")
def model(package: F5Package) -> F5Model:
    return random_model(package, "tiny", "cpu")


def settings(recording: Path, **values: Any) -> F5TtsWorker:
    voice = {"name": "a", "language": "zh-TW", "reference_audio": str(recording), "reference_text": TRANSCRIPT}
    base = {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu", "nfe_steps": 5, "voices": [voice]}
    return F5TtsWorker(**{**base, **values})


@pytest.fixture(scope="module")
def reference(model: F5Model, recording: Path) -> Reference:
    return load_reference("a", recording, TRANSCRIPT, model)


@pytest.fixture(scope="module")
def engine(recording: Path) -> F5TtsEngine:
    made = F5TtsEngine(settings(recording, seed=7), None)
    made.load()
    return made


def tokens(model: F5Model, reference: Reference, text: str) -> list[str]:
    return joined_tokens(reference.tokens, model.package.convert_char_to_pinyin([speech_text(text)])[0])


def speak(engine: F5TtsEngine, text: str) -> list[bytes]:
    return [piece.pcm for piece in engine.synthesize(text, "a", None, StopFlag())]


@pytest.mark.parametrize(("nfe_steps", "cfg_strength"), [(7, 2.0), (5, 0.0)])
def test_the_steps_that_are_recorded_do_what_the_package_does(
    model: F5Model, reference: Reference, nfe_steps: int, cfg_strength: float
) -> None:
    options = {"nfe_steps": nfe_steps, "cfg_strength": cfg_strength}
    plain, padded = Sampler(model, **options), Sampler(model, **options)
    padded.record([reference.frames + 150], graphs=False)
    said = tokens(model, reference, "打開客廳的燈。Hello there")
    for frames in (100, 150):  # padded by 50, and by none
        expected = plain.sample(reference, said, frames, 3)
        found = padded.sample(reference, said, frames, 3)
        assert expected.shape == found.shape == (1, frames, 100)
        np.testing.assert_allclose(found, expected, atol=2e-4)
    # Without the mask they would differ by 25 times the tolerance: the comparison can fail.
    processors = [block.attn.processor for block in model.cfm.transformer.transformer_blocks]
    for processor in processors:
        processor.attn_mask_enabled = False
    try:
        wrong = padded.sample(reference, said, 100, 3)
    finally:
        for processor in processors:
            processor.attn_mask_enabled = True
    assert float((wrong - plain.sample(reference, said, 100, 3)).abs().max()) > 5e-3


def test_the_full_schedule_has_no_tuned_steps(model: F5Model) -> None:
    times = np.asarray(Sampler(model, nfe_steps=32, cfg_strength=2.0)._times())
    even = np.linspace(0, 1, 33)
    np.testing.assert_allclose(times, 1 - np.cos(np.pi / 2 * even), atol=1e-6)


def test_a_request_longer_than_every_recorded_length_runs_as_the_package_does(
    model: F5Model, reference: Reference
) -> None:
    plain, padded = (Sampler(model, nfe_steps=5, cfg_strength=2.0) for _ in range(2))
    padded.record([reference.frames + 10], graphs=False)
    said = tokens(model, reference, "好的。")
    expected, found = (sampler.sample(reference, said, 60, 1) for sampler in (plain, padded))
    np.testing.assert_array_equal(found, expected)


def test_the_model_hears_text_and_recording(model: F5Model, reference: Reference) -> None:
    sampler = Sampler(model, nfe_steps=5, cfg_strength=2.0)
    one, same, other = (
        sampler.sample(reference, tokens(model, reference, text), 100, 3) for text in ("開燈。", "開燈。", "關門！")
    )
    np.testing.assert_array_equal(one, same)
    assert float((one - other).abs().max()) > 1e-5


@pytest.mark.parametrize("text", ["打开灯。Hello there", "Hello", "好", "TV 打开", "a", "，好"])
def test_tokens_of_the_recording_and_the_text_are_those_of_both_together(model: F5Model, text: str) -> None:
    convert = model.package.convert_char_to_pinyin
    for before in ("今天天气很好。", "It is fine. "):
        assert joined_tokens(convert([before])[0], convert([text])[0]) == convert([before + text])[0]


def test_traditional_chinese_is_read_as_simplified_would_be(model: F5Model) -> None:
    read = model.package.convert_char_to_pinyin([speech_text("重慶的音樂銀行，請開臥室的燈")])[0]
    assert [token for token in read if token.strip()] == [
        "chong2", "qing4", "de", "yin1", "yue4", "yin2", "hang2", "，", "qing3", "kai1", "wo4", "shi4", "de", "deng1",
    ]  # fmt: skip


def test_it_speaks_for_as_long_as_the_voice_would_take(engine: F5TtsEngine) -> None:
    # 13.2 syllables and pauses in the recording of 3 s, as many in the text.
    (audio,) = speak(engine, "客廳的燈已經打開了，好。")
    assert len(audio) / BYTES_PER_S == pytest.approx(2.85, abs=0.3)
    assert speak(engine, "客廳的燈已經打開了，好。") == [audio]  # the seed
    assert np.abs(np.frombuffer(audio, "<i2")).max() > 0


def test_a_very_short_answer_gets_the_time_to_be_said(engine: F5TtsEngine) -> None:
    (audio,) = speak(engine, "好的。")
    assert len(audio) / BYTES_PER_S == pytest.approx(0.9, abs=0.03)


def test_a_text_too_long_for_the_model_comes_in_pieces_and_can_be_stopped_between_them(engine: F5TtsEngine) -> None:
    text = "今天天氣很好，我們出去走走，順便買一點水果和麵包。" * 8
    stop = StopFlag()
    pieces = engine.synthesize(text, "a", None, stop)
    first = next(pieces)
    assert 10 < len(first.pcm) / BYTES_PER_S < 22
    stop.set()
    assert list(pieces) == []


def test_nothing_to_say_is_no_audio(engine: F5TtsEngine) -> None:
    assert speak(engine, "  ") == []


def test_an_unknown_voice_is_refused(engine: F5TtsEngine) -> None:
    with pytest.raises(VoiceUnknown):
        next(engine.synthesize("hi", "b", None, StopFlag()))


def checkpoint(model: F5Model, kind: str, folder: Path) -> Path:
    """Write the model as upstream's files are: averaged weights of a training run, and Vocos beside them."""
    torch = model.package.torch
    weights = {f"ema_model.{key}": value.clone() for key, value in model.cfm.state_dict().items()}
    folder.mkdir()
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file(weights, folder / "model_1250000.safetensors")
    else:
        counters = {"initted": torch.tensor(True), "step": torch.tensor(9)}
        torch.save({"ema_model_state_dict": {**weights, **counters}}, folder / "model_1250000.pt")
    torch.save(model.vocos.state_dict(), folder / "vocos.bin")
    return folder


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_a_checkpoint_is_loaded_whatever_its_kind(
    model: F5Model, reference: Reference, kind: str, tmp_path: Path
) -> None:
    loaded = load_model(model.package, checkpoint(model, kind, tmp_path / "m"), "cpu", size="tiny")
    said = tokens(model, reference, "開燈。")
    found, expected = (
        Sampler(m, nfe_steps=5, cfg_strength=2.0).sample(reference, said, 50, 3) for m in (loaded, model)
    )
    np.testing.assert_array_equal(found, expected)
    mel = expected.permute(0, 2, 1)
    np.testing.assert_array_equal(loaded.vocos.decode(mel), model.vocos.decode(mel))


def test_what_is_no_checkpoint_is_named(model: F5Model, tmp_path: Path) -> None:
    folder = checkpoint(model, "pt", tmp_path / "m")
    with pytest.raises(ConfigError, match="does not fit the model"):
        load_model(model.package, folder, "cpu")  # as if it were the base model
    (folder / "vocos.bin").write_bytes(b"no pickle")
    with pytest.raises(ConfigError, match=r"vocos\.bin cannot be read as a checkpoint"):
        load_model(model.package, folder, "cpu", size="tiny")
    (folder / "vocos.bin").unlink()
    with pytest.raises(ConfigError, match="has no vocoder"):
        load_model(model.package, folder, "cpu", size="tiny")
    (folder / "other.pt").touch()
    with pytest.raises(ConfigError, match="2 checkpoints"):
        load_model(model.package, folder, "cpu", size="tiny")


def test_recordings_that_make_no_voice_are_refused(model: F5Model, recording: Path, tmp_path: Path) -> None:
    import soundfile

    samples, rate = soundfile.read(recording)
    soundfile.write(tmp_path / "long.wav", np.tile(samples[8000:-8000], 5), rate)
    soundfile.write(tmp_path / "silent.wav", np.zeros(48_000), rate)
    (tmp_path / "text.wav").write_text("this is no sound")
    for name, reason in (
        ("long.wav", r"has 15\.0 s of speech"),
        ("silent.wav", r"has 0\.0 s of speech"),
        ("text.wav", "cannot be read as audio"),
        ("nothing.wav", "cannot be read as audio"),
    ):
        with pytest.raises(ConfigError, match=reason):
            load_reference("a", tmp_path / name, TRANSCRIPT, model)
    with pytest.raises(ConfigError, match="does not fit the recording"):
        load_reference("a", recording, "好", model)


def test_a_quiet_recording_in_another_format_makes_the_same_voice(
    model: F5Model, recording: Path, reference: Reference, tmp_path: Path
) -> None:
    import soundfile

    samples, rate = soundfile.read(recording)
    soundfile.write(tmp_path / "quiet.flac", np.stack([samples, samples], axis=1) * 0.1, rate)
    found = load_reference("a", tmp_path / "quiet.flac", TRANSCRIPT, model)
    assert found.frames == reference.frames
    assert found.gain > 2 > reference.gain >= 1


def test_the_trainer_s_imports_leave_nothing_behind(package: F5Package) -> None:
    assert not {"wandb", "accelerate", "datasets", "ema_pytorch"} & set(sys.modules)


def test_a_profile_speaks_after_it_was_written_and_no_more_after_it_was_deleted(
    recording: Path, profiles: Profiles
) -> None:
    engine = F5TtsEngine(settings(recording, seed=7, voices=[]), None, index=VoiceIndex(profiles.path))
    engine.load()
    assert engine.program().voices == []
    profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW", "fr"))
    (voice,) = engine.program().voices
    assert (voice.name, voice.description, voice.languages) == ("clone:anna:1", "Anna", ["zh-TW"])
    said = [piece.pcm for piece in engine.synthesize(LONG_TEXT, "clone:anna:1", None, StopFlag())]
    assert said == [piece.pcm for piece in engine.synthesize(LONG_TEXT, "clone:anna:1", None, StopFlag())]
    profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW",), version=2, speed=2)
    faster = [piece.pcm for piece in engine.synthesize(LONG_TEXT, "clone:anna:2", None, StopFlag())]
    assert len(b"".join(faster)) == pytest.approx(len(b"".join(said)) / 2, rel=0.05)
    profiles.write(transcript=TRANSCRIPT, languages=("zh-TW",))
    assert engine.program().voices == []
    with pytest.raises(VoiceUnknown):
        next(engine.synthesize("打開", "clone:anna:2", None, StopFlag()))


def test_a_profile_and_a_configured_voice_of_one_recording_sound_the_same(recording: Path, profiles: Profiles) -> None:
    profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW",))
    engine = F5TtsEngine(settings(recording, seed=7), None, index=VoiceIndex(profiles.path))
    engine.load()
    own, anna = (
        np.frombuffer(b"".join(p.pcm for p in engine.synthesize("打開客廳的燈。", name, None, StopFlag())), "<i2")
        for name in ("a", "clone:anna:1")
    )
    assert len(own) == len(anna)
    assert np.corrcoef(own, anna)[0, 1] > 0.9  # the profile's recording was rounded to 16 bits once more


def test_a_profile_whose_transcript_is_another_text_is_refused_and_no_longer_offered(
    recording: Path, profiles: Profiles
) -> None:
    profiles.write("anna", transcript="好", languages=("zh-TW",))
    engine = F5TtsEngine(settings(recording, voices=[]), None, index=VoiceIndex(profiles.path))
    engine.load()
    with pytest.raises(VoiceUnknown):
        next(engine.synthesize("打開", "clone:anna:1", None, StopFlag()))
    assert engine.program().voices == []


@pytest.fixture
def config(recording: Path, runtime_dir: Path) -> Path:
    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))}
    worker = settings(recording).model_dump(mode="json", exclude_unset=True)
    file = runtime_dir / "config.yaml"
    house = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["l"]},
        "workers": {**fakes, "w": worker},
        "paths": {key: str(runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file.write_text(yaml.safe_dump(house, allow_unicode=True))
    return file


async def test_as_a_worker_process_it_is_a_wyoming_server(config: Path, runtime_dir: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(config), "worker", "w",
        env={key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")},
    )  # fmt: skip
    try:
        socket = runtime_dir / "worker-w.sock"
        async with asyncio.timeout(120):
            while not socket.exists():
                assert process.returncode is None
                await asyncio.sleep(0.1)
            async with AsyncClient.from_uri(f"unix://{socket}") as client:
                await client.write_event(Describe().event())
                event = await client.read_event()
                assert event is not None
                (voice,) = Info.from_event(event).tts[0].voices
                assert (voice.name, voice.languages) == ("a", ["zh-TW"])
                assert "noise" in str(voice.description)
                await client.write_event(Synthesize("好的。", SynthesizeVoice(name="a")).event())
                kinds, seconds = [], 0.0
                while (event := await client.read_event()) is not None:
                    kinds.append(event.type)
                    if AudioChunk.is_type(event.type):
                        chunk = AudioChunk.from_event(event)
                        seconds += len(chunk.audio) / (2 * chunk.rate)
                    if AudioStop.is_type(event.type):
                        break
        assert AudioStart.is_type(kinds[0])
        assert seconds == pytest.approx(0.9, abs=0.03)
        assert seconds * FRAMES_PER_S > 80
    finally:
        process.terminate()
        assert await process.wait() == 0
