"""Qwen3-TTS through its true classes, small and with random weights, on the CPU: `make test-qwen`."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

if importlib.util.find_spec("faster_qwen3_tts") is None or importlib.util.find_spec("torch") is None:
    pytest.skip("Qwen3-TTS is not installed here: `make test-qwen`", allow_module_level=True)

from engine_fakes import fake_qwen3
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.config.qwen3_tts import Qwen3TtsWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown
from avatar_appliance.voices.voice_index import VoiceIndex
from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.qwen3.imports import Qwen3Package, import_qwen3
from wyoming_servers.workers.qwen3.model import RATE_HZ, load_base
from wyoming_servers.workers.qwen3.random_model import codec_config, model_config, random_base
from wyoming_servers.workers.qwen3.reference import Reference, load_reference
from wyoming_servers.workers.qwen3.speech import Speech
from wyoming_servers.workers.qwen3.steps import step_classes
from wyoming_servers.workers.qwen3_tts import Qwen3TtsEngine

if TYPE_CHECKING:
    from .conftest import Profiles

pytestmark = [
    pytest.mark.engine_qwen3,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]

TRANSCRIPT = "今天天氣很好，我們出去走走。"
TEXT = "打開燈。"
BYTES_PER_STEP = 2 * RATE_HZ * 80 // 1000


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Products as small as these take longer in two threads, and on a busy machine a hundred times as long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def package(one_thread: None) -> Qwen3Package:
    return import_qwen3()


@pytest.fixture(scope="module")
def base(package: Qwen3Package) -> Any:
    return random_base(package, "tiny", "cpu")


def settings(recording: Path, **values: Any) -> Qwen3TtsWorker:
    voice = {"name": "a", "language": "zh-TW", "reference_audio": str(recording), "reference_text": TRANSCRIPT}
    made = {"engine": "qwen3-tts", "weights": "random", "size": "tiny", "device": "cpu", "seed": 7, "voices": [voice]}
    return Qwen3TtsWorker(**{**made, **values})


@pytest.fixture(scope="module")
def reference(base: Any, recording: Path) -> Reference:
    return load_reference("a", recording, TRANSCRIPT, ("zh-TW",), base, most_s=15)


@pytest.fixture(scope="module")
def engine(recording: Path, one_thread: None) -> Qwen3TtsEngine:
    made = Qwen3TtsEngine(settings(recording), None)
    made.load()
    return made


def speech_of(package: Qwen3Package, base: Any, **options: Any) -> Speech:
    made = Speech(package, base, "cpu", **{"graphs": False, "temperature": 0.9, "chunk_steps": 4, **options})
    made.record()
    return made


def speak(engine: Qwen3TtsEngine, text: str, voice: str = "a") -> list[bytes]:
    return [piece.pcm for piece in engine.synthesize(text, voice, None, StopFlag())]


def test_the_steps_of_a_cpu_say_what_upstream_s_own_generation_says(
    package: Qwen3Package, base: Any, reference: Reference
) -> None:
    torch, steps = package.torch, 30
    predictor_class, talker_class = step_classes(package, graphs=False)
    talker, config = base.model.talker, base.model.config.talker_config
    place = {"device": "cpu:0", "dtype": torch.float32}
    faster = package.FasterQwen3TTS(
        base_model=base,
        predictor_graph=predictor_class(
            talker.code_predictor, talker.code_predictor.model.config, config.hidden_size, do_sample=False, **place
        ),
        talker_graph=talker_class(talker.model, config, max_seq_len=256, **place),
        max_seq_len=256,
        **place,
    )
    torch.cuda.synchronize = lambda *_: None
    said = {"text": "打开灯。Hello", "language": "Chinese", "voice_clone_prompt": reference.prompt}
    pieces = faster.generate_voice_clone_streaming(
        **said, ref_text=reference.transcript, max_new_tokens=steps, do_sample=False, repetition_penalty=1.0
    )
    found = np.concatenate([sound for sound, _, _ in pieces])
    (expected,), rate_hz = base.generate_voice_clone(
        **said, max_new_tokens=steps, do_sample=False, subtalker_dosample=False, repetition_penalty=1.0
    )
    assert rate_hz == RATE_HZ
    assert abs(len(found) - len(expected)) <= BYTES_PER_STEP / 2  # upstream counts the step that would end it
    size = min(len(found), len(expected))
    # After 25 steps the package hears 25 steps back and no further, as upstream does after 300.
    np.testing.assert_allclose(found[: 24 * 1920], expected[: 24 * 1920], atol=1e-3)
    assert np.corrcoef(found[:size], expected[:size])[0, 1] > 0.9


@pytest.mark.parametrize(
    ("stand_in", "name", "methods"),
    [
        (fake_qwen3.FakeFasterQwen3TTS, "FasterQwen3TTS", ["__init__", "warmup", "generate_voice_clone_streaming"]),
        (
            fake_qwen3.FakePredictorGraph,
            "PredictorGraph",
            ["__init__", "capture", "run", "_init_cache_layers", "_build_attention_masks", "_full_loop"],
        ),
        (
            fake_qwen3.FakeTalkerGraph,
            "TalkerGraph",
            ["__init__", "capture", "_init_cache_layers", "_build_attention_masks", "_decode_step"],
        ),
        (fake_qwen3.FakeBase, "Qwen3TTSModel", ["create_voice_clone_prompt", "from_pretrained"]),
    ],
)
def test_the_stand_in_of_the_quick_tests_takes_what_the_packages_take(
    package: Qwen3Package, stand_in: Any, name: str, methods: list[str]
) -> None:
    for method in methods:
        theirs = inspect.signature(getattr(getattr(package, name), method)).parameters
        ours = inspect.signature(getattr(stand_in, method)).parameters
        assert set(ours) <= set(theirs), method
        assert {key: value.default for key, value in ours.items() if value.default not in (value.empty, None)} == {
            key: theirs[key].default for key, value in ours.items() if value.default not in (value.empty, None)
        }


def test_it_speaks_in_pieces_while_it_thinks(engine: Qwen3TtsEngine) -> None:
    pieces = speak(engine, TEXT)
    assert len(pieces) > 3
    assert {len(pcm) for pcm in pieces[:-1]} == {4 * BYTES_PER_STEP}
    sound = np.frombuffer(b"".join(pieces), "<i2")
    assert 300 < np.abs(sound).mean() < 20_000


def test_the_seed_makes_the_same_text_sound_the_same(engine: Qwen3TtsEngine) -> None:
    once = speak(engine, TEXT)
    assert speak(engine, TEXT) == once
    assert speak(engine, "關上燈。")[0] != once[0]


def test_a_model_that_finds_no_end_is_cut(
    engine: Qwen3TtsEngine, base: Any, package: Qwen3Package, reference: Reference, caplog: pytest.LogCaptureFixture
) -> None:
    # 4.2 syllables of 0.23 s: twice that and 2 s, 3.9 s or 49 steps.
    sound = b"".join(speak(engine, TEXT))
    assert len(sound) / BYTES_PER_STEP == pytest.approx(49, abs=3)
    assert "found no end" in caplog.text
    assert TEXT not in caplog.text
    caplog.clear()
    head = base.model.talker.codec_head.weight
    kept = head.detach().clone()
    hidden: list[Any] = []
    hook = base.model.talker.codec_head.register_forward_hook(lambda _m, args, _out: hidden.append(args[0][0, -1]))
    try:
        list(speech_of(package, base).say("打开", "Chinese", reference, StopFlag()))
        with package.torch.no_grad():
            head[2150] = hidden[9] * 100  # as if it had learnt that this is where the text ends
        ended = list(speech_of(package, base).say("打开", "Chinese", reference, StopFlag()))
    finally:
        hook.remove()
        with package.torch.no_grad():
            head.copy_(kept)
    assert sum(map(len, ended)) < 2.4 * RATE_HZ
    assert caplog.text.count("found no end") == 1


def test_it_stops_within_a_piece_and_can_speak_again(package: Qwen3Package, base: Any, reference: Reference) -> None:
    speech = speech_of(package, base, chunk_steps=50)
    stop = StopFlag()
    taken = 0
    run = speech._predictor._graph.run

    def count(step: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 5:
            stop.set()
        return run(step)

    speech._predictor._graph.run = count
    assert list(speech.say(TEXT, "Chinese", reference, stop)) == []
    assert taken == 5
    del speech._predictor._graph.run
    assert len(next(speech.say(TEXT, "Chinese", reference, StopFlag()))) > 40 * 1920


def test_whoever_stops_listening_ends_the_work(engine: Qwen3TtsEngine) -> None:
    stop = StopFlag()
    pieces = engine.synthesize("今天天氣很好，我們出去走走，順便買一點水果和麵包。" * 6, "a", None, stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []


def test_nothing_to_say_is_no_audio(engine: Qwen3TtsEngine) -> None:
    assert speak(engine, "  ") == []
    assert speak(engine, "……") == []


def test_an_unknown_voice_is_refused(engine: Qwen3TtsEngine) -> None:
    with pytest.raises(VoiceUnknown):
        next(engine.synthesize("hi", "b", None, StopFlag()))


def test_the_recording_is_heard(base: Any, reference: Reference, recording: Path, tmp_path: Path) -> None:
    import soundfile

    samples, rate_hz = soundfile.read(recording)
    soundfile.write(tmp_path / "other.wav", np.roll(samples, 8000)[::-1], rate_hz)
    other = load_reference("b", tmp_path / "other.wav", TRANSCRIPT, ("zh-TW",), base, most_s=15)
    (one,), (two,) = reference.prompt, other.prompt
    assert one.ref_code.shape[1] == 16
    assert one.ref_code.shape[0] == pytest.approx((3.0 + 0.5) * 12.5, abs=1)  # with the pause at the end
    assert not np.array_equal(one.ref_code, two.ref_code)
    assert float((one.ref_spk_embedding - two.ref_spk_embedding).abs().max()) > 0


def test_recordings_that_make_no_voice_are_refused(base: Any, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no sound")
    with pytest.raises(ConfigError, match="cannot be read as audio"):
        load_reference("a", tmp_path / "text.wav", TRANSCRIPT, ("zh",), base, most_s=15)
    with pytest.raises(ConfigError, match="does not fit the recording"):
        load_reference("a", recording, "好", ("zh",), base, most_s=15)
    with pytest.raises(ConfigError, match=r"has 3\.0 s of speech"):
        load_reference("a", recording, TRANSCRIPT, ("zh",), base, most_s=2)


def test_half_precision_speaks_too(package: Qwen3Package, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wyoming_servers.workers.qwen3 import random_model, speech

    for module in (random_model, speech):
        monkeypatch.setattr(module, "dtype_of", lambda torch, _device: torch.bfloat16)
    half = random_base(package, "tiny", "cpu")
    reference = load_reference("a", recording, TRANSCRIPT, ("zh",), half, most_s=15)
    sound = np.concatenate(list(speech_of(package, half).say("打开灯。", "Chinese", reference, StopFlag())))
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0.01


@pytest.fixture
def folder(base: Any, tmp_path: Path) -> Path:
    """A model folder as the hub hands it out, of the tiny shape."""
    from safetensors.torch import save_file

    made = tmp_path / "model"
    base.processor.save_pretrained(made)
    (made / "generation_config.json").write_text("{}")
    codec = base.model.speech_tokenizer
    codec.feature_extractor.save_pretrained(made / "speech_tokenizer")
    for model, place, config in (
        (base.model, made, model_config("tiny")),
        (codec.model, made / "speech_tokenizer", codec_config("tiny")),
    ):
        (place / "config.json").write_text(json.dumps(config))
        numbers = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        save_file(numbers, place / "model.safetensors", metadata={"format": "pt"})
    return made


def test_the_files_of_a_folder_make_the_model_they_came_from(
    package: Qwen3Package, base: Any, folder: Path, reference: Reference, recording: Path
) -> None:
    loaded = load_base(package, folder, "cpu")
    again = load_reference("a", recording, TRANSCRIPT, ("zh-TW",), loaded, most_s=15)
    np.testing.assert_array_equal(again.prompt[0].ref_code, reference.prompt[0].ref_code)
    said = []
    for model, voice in ((base, reference), (loaded, again)):
        speech = speech_of(package, model)
        package.torch.manual_seed(3)
        said.append(np.concatenate(list(speech.say("打开灯。", "Chinese", voice, StopFlag()))))
    np.testing.assert_allclose(said[0], said[1], atol=1e-4)


def test_what_is_no_model_that_clones_is_named(package: Qwen3Package, folder: Path) -> None:
    config = folder / "config.json"
    whole = json.loads(config.read_text())
    for change, reason in (
        ({"tts_model_type": "custom_voice"}, "cannot clone"),
        ({"model_type": "qwen3"}, "no model of Qwen3-TTS"),
        ({"tokenizer_type": "qwen3_tts_tokenizer_25hz"}, "has the codec"),
    ):
        config.write_text(json.dumps({**whole, **change}))
        with pytest.raises(ConfigError, match=reason):
            load_base(package, folder, "cpu")
    config.write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json cannot be read"):
        load_base(package, folder, "cpu")
    config.write_text(json.dumps(whole))
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_base(package, folder, "cpu")
    (folder / "speech_tokenizer/config.json").unlink()
    with pytest.raises(ConfigError, match=r"has no speech_tokenizer/config\.json"):
        load_base(package, folder, "cpu")


def test_a_profile_speaks_after_it_was_written_and_no_more_after_it_was_deleted(
    recording: Path, profiles: Profiles
) -> None:
    engine = Qwen3TtsEngine(settings(recording, voices=[]), None, index=VoiceIndex(profiles.path))
    engine.load()
    assert engine.program().voices == []
    profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW", "nl", "fr"))
    (voice,) = engine.program().voices
    assert (voice.name, voice.description, voice.languages) == ("clone:anna:1", "Anna", ["zh-TW", "fr"])
    said = speak(engine, TEXT, "clone:anna:1")
    assert said == speak(engine, TEXT, "clone:anna:1")
    assert len(said) > 3
    profiles.write(transcript=TRANSCRIPT, languages=("zh-TW",))
    assert engine.program().voices == []
    with pytest.raises(VoiceUnknown):
        next(engine.synthesize("打開", "clone:anna:1", None, StopFlag()))


def test_the_imports_of_the_other_codec_leave_nothing_behind(package: Qwen3Package) -> None:
    assert not {"sox", "onnxruntime", "torchaudio"} & set(sys.modules)


async def test_as_a_worker_process_it_speaks_a_profile_written_after_its_start(
    recording: Path, runtime_dir: Path
) -> None:
    from .conftest import Profiles

    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))}
    worker = settings(recording, voices=[]).model_dump(mode="json", exclude_unset=True)
    house = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["l"]},
        "workers": {**fakes, "w": worker},
        "paths": {key: str(runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = runtime_dir / "config.yaml"
    file.write_text(yaml.safe_dump(house, allow_unicode=True))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "w",
        env={**kept, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        socket = runtime_dir / "worker-w.sock"
        async with asyncio.timeout(240):
            while not socket.exists():
                assert process.returncode is None
                await asyncio.sleep(0.1)
            Profiles(runtime_dir, recording).write("anna", transcript=TRANSCRIPT, languages=("zh-TW",))
            async with AsyncClient.from_uri(f"unix://{socket}") as client:
                await client.write_event(Describe().event())
                event = await client.read_event()
                assert event is not None
                assert [voice.name for voice in Info.from_event(event).tts[0].voices] == ["clone:anna:1"]
                await client.write_event(Synthesize("打開燈。", SynthesizeVoice(name="clone:anna:1")).event())
                seconds = 0.0
                while (event := await client.read_event()) is not None and not AudioStop.is_type(event.type):
                    assert event.type != "error", event.data
                    if AudioChunk.is_type(event.type):
                        seconds += AudioChunk.from_event(event).seconds
                assert seconds > 1
                await client.write_event(Synthesize(TEXT, SynthesizeVoice(name="clone:ben:1")).event())
                event = await client.read_event()
                assert event is not None
                assert event.data["code"] == "voice-unknown"
    finally:
        process.terminate()
        assert await process.wait() == 0
