"""The voice encoder on made-up weights: its arithmetic, step by step, and what it refuses.

`make test-engines` compares it with Resemblyzer's own, with the true weights.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar_appliance.errors import ConfigError
from wyoming_servers.workers.speaker.checkpoint import Weights
from wyoming_servers.workers.speaker.encoder import SIZE, VoiceEncoder, _window_starts
from wyoming_servers.workers.speaker.mel import BANDS, HOP, mel_frames
from wyoming_servers.workers.speaker.speech_only import speech_only

RATE_HZ = 16_000


def made_up_weights(scale: float = 0.1) -> Weights:
    """Return numbers of the true shapes."""
    draw = np.random.default_rng(5)

    def some(*shape: int) -> NDArray[np.float32]:
        return draw.normal(0, scale, shape).astype(np.float32)

    weights = {"linear.weight": some(SIZE, SIZE), "linear.bias": some(SIZE)}
    for layer in range(3):
        weights[f"lstm.weight_ih_l{layer}"] = some(4 * SIZE, SIZE if layer else BANDS)
        weights[f"lstm.weight_hh_l{layer}"] = some(4 * SIZE, SIZE)
        weights[f"lstm.bias_ih_l{layer}"] = some(4 * SIZE)
        weights[f"lstm.bias_hh_l{layer}"] = some(4 * SIZE)
    return weights


def voice(seconds: float, pitch_hz: float = 150.0) -> NDArray[np.float32]:
    """Return a buzz that swells and falls."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * pitch_hz * number * time_s) / number for number in range(1, 12))
    return np.asarray(0.1 * buzz * (1 + 0.5 * np.sin(2 * np.pi * 3 * time_s)), dtype=np.float32)


def plain_lstm(weights: Weights, mel: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the embedding of one window by the textbook, number by number as torch defines it."""
    rows = mel.astype(np.float64)
    for layer in range(3):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        enter, repeat, one, two = (weights[f"lstm.{name}_l{layer}"].astype(np.float64) for name in names)
        hidden, cell, outputs = np.zeros(SIZE), np.zeros(SIZE), []
        for row in rows:
            gates = enter @ row + one + repeat @ hidden + two
            i, f, g, o = np.split(gates, 4)
            cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            hidden = np.tanh(cell) / (1 + np.exp(-o))
            outputs.append(hidden)
        rows = np.stack(outputs)
    raw = np.maximum(0, weights["linear.weight"].astype(np.float64) @ rows[-1] + weights["linear.bias"])
    return np.asarray(raw / np.linalg.norm(raw))


def test_a_window_goes_through_the_layers_as_the_textbook_says() -> None:
    weights = made_up_weights()
    wave = voice(1.6)
    found = VoiceEncoder(weights).embed(wave)
    padded = np.pad(wave, (0, 160 * HOP - len(wave)))
    np.testing.assert_allclose(found, plain_lstm(weights, mel_frames(padded)[:160]), atol=1e-5)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.6, 4.0])
def test_an_embedding_has_length_one_whatever_the_length_of_the_audio(seconds: float) -> None:
    found = VoiceEncoder(made_up_weights()).embed(voice(seconds))
    assert found.shape == (SIZE,)
    assert float(np.linalg.norm(found)) == pytest.approx(1, abs=1e-5)
    assert float(found.min()) >= 0


def test_a_quiet_recording_and_a_loud_one_are_the_same_voice() -> None:
    encoder = VoiceEncoder(made_up_weights())
    np.testing.assert_allclose(encoder.embed(voice(2) * 0.01), encoder.embed(voice(2) * 0.002), atol=1e-4)


@pytest.mark.parametrize("wave", [np.zeros(16_000, dtype=np.float32), np.ones(16_000, dtype=np.float32)])
def test_audio_without_a_voice_breaks_nothing(wave: NDArray[np.float32]) -> None:
    assert np.isfinite(VoiceEncoder(made_up_weights(scale=3)).embed(wave)).all()


@pytest.mark.parametrize(
    ("seconds", "starts"),
    # As Resemblyzer's compute_partial_slices has them.
    [(0.5, [0]), (1.6, [0]), (2.0, [0, 77]), (2.4, [0, 77]), (3.0, [0, 77, 154]), (4.0, [0, 77, 154, 231])],
)
def test_windows_begin_where_resemblyzer_lets_them(seconds: float, starts: list[int]) -> None:
    assert _window_starts(int(seconds * RATE_HZ)) == starts


@pytest.mark.parametrize("name", ["lstm.weight_hh_l1", "linear.bias"])
def test_weights_of_something_else_are_a_configuration_error(name: str) -> None:
    weights = made_up_weights()
    with pytest.raises(ConfigError, match=name):
        VoiceEncoder({**weights, name: weights[name][:5]})
    del weights[name]
    with pytest.raises(ConfigError, match=name):
        VoiceEncoder(weights)


def test_a_tone_falls_into_the_band_of_its_pitch() -> None:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    bands = [
        int(mel_frames(np.sin(2 * np.pi * pitch_hz * time_s).astype(np.float32)).mean(axis=0).argmax())
        for pitch_hz in (200, 500, 1000, 2000, 4000, 7000)
    ]
    assert bands == sorted(set(bands))
    assert mel_frames(voice(1)).shape == (101, BANDS)


def test_silence_around_and_between_words_is_left_out() -> None:
    word, pause = voice(0.6), np.zeros(RATE_HZ, dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 2e-4, 5 * RATE_HZ).astype(np.float32)
    utterance = np.concatenate([pause, word, pause, word, pause])
    kept = speech_only(utterance + noise[: len(utterance)])
    assert len(kept) / RATE_HZ == pytest.approx(1.2, abs=0.35)
    # A loud click does not make the rest silence.
    clicked = utterance.copy()
    clicked[100] = 1.0
    assert len(speech_only(clicked)) / RATE_HZ == pytest.approx(1.2, abs=0.5)


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(100), np.zeros(16_000), np.full(16_000, 1e-5)])
def test_nothing_of_nothing_is_speech(wave: NDArray[np.float64]) -> None:
    assert len(speech_only(wave.astype(np.float32))) == 0
