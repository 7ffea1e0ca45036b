"""Finding where the speaking ends."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_appliance.bench.loudness import last_loud_s
from avatar_appliance.client import WavAudio

from .conftest import RATE_HZ, pcm16, tone, wav


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE_HZ))


def test_the_last_loud_frame_is_where_its_sending_begins() -> None:
    assert last_loud_s(wav(silence(0.2), tone(0.5), silence(0.3))) == pytest.approx(0.69)


def test_speech_to_the_last_sample_ends_with_the_recording() -> None:
    assert last_loud_s(wav(tone(0.505))) == pytest.approx(0.50)


def test_room_noise_behind_the_last_word_is_not_speech() -> None:
    noise = np.random.default_rng(7).normal(0, 0.002, RATE_HZ)
    assert last_loud_s(wav(tone(0.5), noise)) == pytest.approx(0.49)


def test_a_quiet_last_word_is_speech() -> None:
    assert last_loud_s(wav(tone(0.5), silence(0.2), tone(0.1, level=0.04))) == pytest.approx(0.79)


def test_a_whispered_recording_is_judged_by_its_own_level() -> None:
    assert last_loud_s(wav(silence(0.1), tone(0.1, level=0.01), silence(0.1))) == pytest.approx(0.19)


@pytest.mark.parametrize("level", [0.0, 0.001])
def test_nothing_loud_gives_none(level: float) -> None:
    assert last_loud_s(wav(tone(0.5, level=level))) is None


def test_no_samples_give_none() -> None:
    assert last_loud_s(WavAudio(RATE_HZ, 2, 1, b"")) is None


@pytest.mark.parametrize("width_bytes", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_pcm_shape_is_read_alike(width_bytes: int, channels: int) -> None:
    samples = np.repeat(np.concatenate([tone(0.1), silence(0.1)]), channels)
    if width_bytes == 1:
        pcm = (samples * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = (samples * (2**31 - 1)).astype("<i4").reshape(-1, 1).view(np.uint8)
        pcm = whole[:, 4 - width_bytes :].tobytes()
    assert last_loud_s(WavAudio(RATE_HZ, width_bytes, channels, pcm)) == pytest.approx(0.09)


def test_a_torn_last_sample_is_ignored() -> None:
    assert last_loud_s(WavAudio(RATE_HZ, 2, 1, pcm16(tone(0.1)) + b"\x7f")) == pytest.approx(0.09)
