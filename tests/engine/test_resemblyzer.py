"""Our voice encoder beside Resemblyzer's own, with the weights of its package, on human recordings."""

from __future__ import annotations

import importlib.util
import sys
import wave
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

if importlib.util.find_spec("resemblyzer") is None or importlib.util.find_spec("torch") is None:
    pytest.skip("Resemblyzer is not installed here: `make test-engines`", allow_module_level=True)

from avatar_appliance.speakers import SpeakerEmbedding
from wyoming_servers.workers.engine import StopFlag
from wyoming_servers.workers.resemblyzer import CHECKPOINT, ResemblyzerEngine
from wyoming_servers.workers.speaker.encoder import VoiceEncoder
from wyoming_servers.workers.speaker.mel import mel_frames

pytestmark = [
    pytest.mark.engine_resemblyzer,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning"),
]

RATE_HZ = 16_000
FOLDER = Path(str(importlib.util.find_spec("resemblyzer").submodule_search_locations[0]))  # type: ignore[union-attr, index]
SPEECH = Path(__file__).parents[1] / "data" / "speech"
RECORDINGS = ("en_jfk.wav", "en_librivox_0880.wav", "en_cards_005.wav")


def read(name: str) -> NDArray[np.float32]:
    with wave.open(str(SPEECH / name)) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)).astype(np.float32)


@pytest.fixture(scope="module")
def theirs() -> Any:
    """The package's module of its encoder; its audio module wants webrtcvad and a part of scipy that is gone."""
    import librosa

    package = ModuleType("resemblyzer")
    package.__path__ = [str(FOLDER)]
    audio = ModuleType("resemblyzer.audio")

    def wav_to_mel_spectrogram(wav: NDArray[np.float32]) -> NDArray[np.float32]:
        mel = librosa.feature.melspectrogram(y=wav, sr=RATE_HZ, n_fft=400, hop_length=160, n_mels=40)
        return np.asarray(mel.astype(np.float32).T)

    audio.wav_to_mel_spectrogram = wav_to_mel_spectrogram  # type: ignore[attr-defined]
    package.audio = audio  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "resemblyzer", package)
        patch.setitem(sys.modules, "resemblyzer.audio", audio)
        import resemblyzer.voice_encoder

        yield resemblyzer.voice_encoder
    for name in [name for name in sys.modules if name.startswith("resemblyzer")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def ours() -> VoiceEncoder:
    return VoiceEncoder.load(FOLDER / CHECKPOINT)


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_spectrogram_is_librosa_s(theirs: Any, name: str) -> None:
    expected = theirs.audio.wav_to_mel_spectrogram(read(name))
    found = mel_frames(read(name))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.6, 1.7, 2.5, 3.3, 11.0])
def test_the_embedding_is_resemblyzer_s(theirs: Any, ours: VoiceEncoder, seconds: float) -> None:
    audio = read("en_jfk.wav")[: int(seconds * RATE_HZ)]
    expected = theirs.VoiceEncoder("cpu", verbose=False).embed_utterance(audio)
    found = ours.embed(audio)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert float(np.linalg.norm(found)) == pytest.approx(1)


def test_people_are_told_apart() -> None:
    engine = ResemblyzerEngine(FOLDER)
    engine.load()
    jfk, other, third = (read(name) for name in RECORDINGS)

    def embed(audio: NDArray[np.float32]) -> SpeakerEmbedding:
        return engine.embed(audio, StopFlag()).embedding

    half = len(jfk) // 2
    same = embed(jfk[:half]).similarity(embed(jfk[half:]))
    assert same > 0.75
    assert max(embed(jfk[half:]).similarity(embed(one)) for one in (other, third)) < 0.7
    assert embed(other).similarity(embed(third)) < 0.7
