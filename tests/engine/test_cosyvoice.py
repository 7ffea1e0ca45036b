"""CosyVoice 2 and 3 through their true classes, small and with random weights, on the CPU: `make test-cosyvoice`."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

if importlib.util.find_spec("cosyvoice") is None or importlib.util.find_spec("torch") is None:
    pytest.skip("CosyVoice is not installed here: `make test-cosyvoice`", allow_module_level=True)

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.config.gpu_workers import CosyVoiceWorker
from avatar_appliance.errors import ConfigError, VoiceUnknown
from avatar_appliance.voices.voice_index import VoiceIndex
from benchmarks.random_cosyvoice import TOKENS_PER_TEXT_TOKEN, VERSIONS, write_model
from wyoming_servers.workers.cosy.recorded_step import RecordedStep
from wyoming_servers.workers.cosy.sampling import TokenSampler
from wyoming_servers.workers.cosy.streaming import stream_speech
from wyoming_servers.workers.cosyvoice import CosyVoiceEngine
from wyoming_servers.workers.engine import StopFlag

if TYPE_CHECKING:
    from .conftest import Profiles

pytestmark = [
    pytest.mark.engine_cosyvoice,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]

TRANSCRIPT = "今天天氣很好，我們出去走走。"
BYTES_PER_S = 48_000
VERSIONS_OF_ANNA = itertools.count(10)
TEXT = "好的，打開了"
TEXT_S = 6 * TOKENS_PER_TEXT_TOKEN / 25
"""Of six characters: the model with random weights says as much as it may."""


@dataclass(frozen=True)
class Made:
    """A loaded engine and its index of profiles; the one voice of its configuration is `a`."""

    version: int
    engine: CosyVoiceEngine
    model_dir: Path
    profiles: Profiles

    @property
    def cosy(self) -> Any:
        return self.engine._cosy

    def speak(self, text: str = TEXT, voice: str = "a") -> list[bytes]:
        return [piece.pcm for piece in self.engine.synthesize(text, voice, None, StopFlag())]


def settings(model_dir: Path, recording: Path, **values: Any) -> CosyVoiceWorker:
    voice = {"name": "a", "language": "zh-TW", "reference_audio": str(recording), "reference_text": TRANSCRIPT}
    base = {"engine": "cosyvoice", "model": str(model_dir), "device": "cpu", "seed": 4, "voices": [voice]}
    return CosyVoiceWorker(**{**base, **values})


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"CosyVoice{version}")
def model_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of the real layout."""
    found = importlib.util.find_spec("cosyvoice")
    assert found is not None
    assert found.submodule_search_locations
    folder = tmp_path_factory.mktemp(f"cosyvoice{request.param}")
    write_model(Path(found.submodule_search_locations[0]).parent, folder, request.param, small=True)
    return folder


@pytest.fixture(scope="session")
def made(model_dir: Path, recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    from .conftest import Profiles

    profiles = Profiles(tmp_path_factory.mktemp("state"), recording)
    engine = CosyVoiceEngine(settings(model_dir, recording), model_dir, index=VoiceIndex(profiles.path))
    engine.load()
    return Made(3 if (model_dir / "cosyvoice3.yaml").exists() else 2, engine, model_dir, profiles)


@pytest.fixture
def anna(made: Made) -> Iterator[str]:
    """A profile, for as long as the test runs; no two have the same version of one name."""
    version = next(VERSIONS_OF_ANNA)
    made.profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW", "fr"), version=version)
    yield f"clone:anna:{version}"
    made.profiles.write(transcript=TRANSCRIPT, languages=("zh-TW",))


def test_it_says_which_model_it_is(made: Made) -> None:
    program = made.engine.program()
    assert (program.version, program.description) == (str(made.version), f"CosyVoice {made.version} voice cloning")
    assert [voice.name for voice in program.voices] == ["a"]


def test_speech_is_streamed_and_whole(made: Made) -> None:
    pieces = made.speak()
    # 120 tokens: the first piece of at least 25, then of 50, then what is left.
    assert len(pieces) == 3
    assert 0.8 < len(pieces[0]) / BYTES_PER_S < 2
    assert len(b"".join(pieces)) / BYTES_PER_S == pytest.approx(TEXT_S, abs=0.1)
    assert np.abs(np.frombuffer(b"".join(pieces), "<i2")).max() > 0
    assert made.speak() == pieces  # the seed


def test_the_streamed_sound_is_upstream_s_own(made: Made) -> None:
    """Sample by sample, as long as upstream's hop has not grown yet."""
    torch, model, frontend = made.engine._package.torch, made.cosy.model, made.cosy.frontend  # type: ignore[union-attr]
    asked = frontend.frontend_zero_shot(TEXT, "", "", 24_000, "a")
    sampler = made.engine._sampler
    assert sampler is not None
    torch.manual_seed(4)
    sampler.seed(4)
    theirs = [piece["tts_speech"] for piece in model.tts(**asked, stream=True)]
    model.token_hop_len = 25
    torch.manual_seed(4)
    sampler.seed(4)
    ours = list(stream_speech(torch, model, frontend.spk2info["a"], asked["text"], made.engine._thinker, StopFlag()))
    assert [piece.shape for piece in ours] == [piece.shape for piece in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_upstream_s_first_piece_grows_from_text_to_text_and_ours_does_not(made: Made) -> None:
    model, frontend = made.cosy.model, made.cosy.frontend
    asked = frontend.frontend_zero_shot(TEXT, "", "", 24_000, "a")
    first = [next(iter([p["tts_speech"].shape[1] for p in model.tts(**asked, stream=True)])) for _ in range(3)]
    try:
        assert first[2] > 2 * first[0]  # the reason for our own; once upstream has mended it, ours may go
        assert len({len(made.speak()[0]) for _ in range(3)}) == 1
    finally:
        model.token_hop_len = 25


def test_a_text_can_be_stopped_and_nothing_of_it_stays(made: Made) -> None:
    stop = StopFlag()
    pieces = made.engine.synthesize(TEXT * 5, "a", None, stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []
    left = made.engine.synthesize(TEXT * 5, "a", None, StopFlag())
    next(left)
    left.close()  # type: ignore[attr-defined]
    model = made.cosy.model
    assert (model.tts_speech_token_dict, model.llm_end_dict, model.hift_cache_dict) == ({}, {}, {})
    assert made.speak()


def test_half_the_speed_is_twice_the_sound(made: Made) -> None:
    made.profiles.write("bob", transcript=TRANSCRIPT, languages=("zh-TW",), speed=0.5)
    (sound,) = made.speak(voice="clone:bob:1")
    assert len(sound) / BYTES_PER_S == pytest.approx(2 * TEXT_S, rel=0.05)
    made.profiles.write(transcript=TRANSCRIPT, languages=("zh-TW",))


def test_a_profile_speaks_after_it_was_written_and_no_more_after_it_was_deleted(made: Made) -> None:
    made.profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW", "fr"))
    voice = made.engine.program().voices[-1]
    assert (voice.name, voice.description, voice.languages) == ("clone:anna:1", "Anna", ["zh-TW"])
    assert made.speak(voice="clone:anna:1")
    assert set(made.cosy.frontend.spk2info) == {"a", "clone:anna:1"}
    made.profiles.write(transcript=TRANSCRIPT, languages=("zh-TW",))
    assert [each.name for each in made.engine.program().voices] == ["a"]
    assert set(made.cosy.frontend.spk2info) == {"a"}
    with pytest.raises(VoiceUnknown):
        made.speak(voice="clone:anna:1")


def test_nothing_of_a_profile_is_written_into_the_model_s_folder(made: Made, anna: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.model_dir.rglob("*")}
    made.speak(voice=anna)
    assert {path: path.stat().st_mtime_ns for path in made.model_dir.rglob("*")} == before


def test_what_is_said_is_in_no_log(made: Made, anna: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        made.speak(voice=anna)
    assert TEXT not in caplog.text
    assert TRANSCRIPT[:4] not in caplog.text


def test_a_recording_that_cannot_be_read_is_no_voice(made: Made, anna: str) -> None:
    version = anna.split(":")[2]
    reference = made.profiles.path.parent / "anna" / f"reference-{version}.wav"
    reference.write_bytes(b"no sound")
    with pytest.raises(VoiceUnknown):
        made.speak(voice=anna)
    assert [voice.name for voice in made.engine.program().voices] == ["a"]
    # Its next version is another recording, and is offered again.
    made.profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW",), version=99)
    assert made.speak(voice="clone:anna:99")


def test_a_text_of_a_household_becomes_speech(made: Made) -> None:
    for text in ("21°C", "“Hello”, said 王小明", "<|endofprompt|>", "…"):
        assert made.speak(text)
    assert made.speak("  ") == []


def test_a_folder_with_a_part_missing_is_named(model_dir: Path, recording: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    for path in model_dir.iterdir():
        if path.name != "flow.pt":
            (folder / path.name).symlink_to(path)
    with pytest.raises(ConfigError, match=r"flow\.pt"):
        CosyVoiceEngine(settings(folder, recording), folder).load()
    (folder / "flow.pt").write_bytes(b"no checkpoint")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        CosyVoiceEngine(settings(folder, recording), folder).load()


def test_the_recorded_step_thinks_what_upstream_s_does(made: Made) -> None:
    """Without a graph: that can only be recorded on a GPU (benchmarks/gpu_cosyvoice_parts.py compares it there)."""
    torch, encoder = made.engine._package.torch, made.cosy.model.llm.llm  # type: ignore[union-attr]
    step = RecordedStep(torch, encoder, most_tokens=24)
    with torch.inference_mode():
        heard = torch.randn(1, 40, encoder.model.config.hidden_size)
        for _ in range(2):  # the second text finds nothing of the first
            found, expected = (thoughts(torch, each.forward_one_step, heard) for each in (step, encoder))
            np.testing.assert_allclose(found, expected, atol=1e-5)
            heard = heard.flip(1)
        # The text alone is longer than what can be remembered.
        whole = torch.ones(1, 40, 40, dtype=torch.bool)
        np.testing.assert_allclose(
            step.forward_one_step(heard, whole)[0], encoder.forward_one_step(heard, whole)[0], atol=1e-5
        )


def thoughts(torch: Any, forward_one_step: Any, heard: Any) -> Any:
    """Of a text of ten tokens, and of thirty more one by one: beyond what the recorded step remembers."""
    thought, cache = forward_one_step(heard[:, :10], torch.ones(1, 10, 10, dtype=torch.bool), None)
    found = [thought.clone()]
    for place in range(10, 40):
        thought, cache = forward_one_step(heard[:, place : place + 1], torch.ones(1, 1, 1, dtype=torch.bool), cache)
        found.append(thought.clone())
    return torch.cat(found, dim=1)


def test_our_choice_of_tokens_is_as_upstream_s(made: Made) -> None:
    from cosyvoice.utils.common import ras_sampling

    torch, sampler = made.engine._package.torch, TokenSampler(made.engine._package.torch, "cpu")  # type: ignore[union-attr]
    sampler.seed(1)
    torch.manual_seed(1)
    for spread in (0.1, 1.0, 4.0):  # flat: 25 candidates, steep: a few
        scores = (spread * torch.randn(500)).log_softmax(dim=0)
        counts = []
        for choose in (sampler, ras_sampling):
            drawn = torch.tensor([choose(scores.clone(), [], 25) for _ in range(1500)])
            counts.append(torch.bincount(drawn, minlength=500))
        np.testing.assert_array_equal(counts[0] > 0, counts[1] > 0)  # the same candidates
        assert float((counts[0] - counts[1]).abs().max()) < 150  # as often, give or take five deviations
    steep = torch.full((500,), -20.0)
    steep[7] = 0.0
    assert sampler(steep.clone(), [], 25) == 7
    assert sampler(steep.clone(), [7], 25) != 7  # it was said lately
    assert sampler(steep.clone(), [7] + [1] * 10, 25) == 7  # not lately


@pytest.fixture
def config(model_dir: Path, recording: Path, runtime_dir: Path) -> Path:
    fakes = {name: {"engine": "fake", "fake_role": role} for name, role in (("a", "asr"), ("t", "tts"), ("l", "llm"))}
    worker = settings(model_dir, recording, voices=[]).model_dump(mode="json", exclude_unset=True)
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


async def test_as_a_worker_process_it_speaks_in_a_profile_s_voice(
    config: Path, runtime_dir: Path, recording: Path
) -> None:
    from .conftest import Profiles

    profiles = Profiles(runtime_dir, recording)
    log = runtime_dir / "log.txt"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wyoming_servers", "--config", str(config), "worker", "w", stderr=output,
            env={key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")},
        )  # fmt: skip
    try:
        socket = runtime_dir / "worker-w.sock"
        async with asyncio.timeout(240):
            while not socket.exists():
                assert process.returncode is None, log.read_text("utf-8")
                await asyncio.sleep(0.1)
            async with AsyncClient.from_uri(f"unix://{socket}") as client:
                assert await voices(client) == []
                profiles.write("anna", transcript=TRANSCRIPT, languages=("zh-TW",))
                assert await voices(client) == [("clone:anna:1", "Anna")]
                kinds, seconds = await speech(client, "clone:anna:1")
                assert (kinds[0], kinds[-1]) == ("audio-start", "audio-stop")
                assert seconds == pytest.approx(TEXT_S, abs=0.1)
                profiles.write(transcript=TRANSCRIPT, languages=("zh-TW",))
                assert await voices(client) == []
                assert await speech(client, "clone:anna:1") == (["voice-unknown"], 0.0)
        assert TEXT not in log.read_text("utf-8")
    finally:
        process.terminate()
        assert await process.wait() == 0


async def voices(client: AsyncClient) -> list[tuple[str, str | None]]:
    await client.write_event(Describe().event())
    event = await client.read_event()
    assert event is not None
    return [(voice.name, voice.description) for voice in Info.from_event(event).tts[0].voices]


async def speech(client: AsyncClient, voice: str) -> tuple[list[str], float]:
    """The kinds of the answer's events, an error's code in place of its kind, and the seconds of sound."""
    await client.write_event(Synthesize(TEXT, SynthesizeVoice(name=voice)).event())
    kinds, seconds = [], 0.0
    while (event := await client.read_event()) is not None:
        if Error.is_type(event.type):
            return [*kinds, str(Error.from_event(event).code)], seconds
        kinds.append(event.type)
        if AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            seconds += len(chunk.audio) / (2 * chunk.rate)
        if AudioStop.is_type(event.type):
            break
    assert AudioStart.is_type(kinds[0])
    return kinds, seconds
