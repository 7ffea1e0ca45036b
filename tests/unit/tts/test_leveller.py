"""All voices get to one loudness, slowly, and never within a piece."""

from __future__ import annotations

import numpy as np
import pytest

from wyoming_servers.audio import LoudnessMeter
from wyoming_servers.tts.leveller import LARGEST_GAIN_DB, LARGEST_STEP_DB, SLACK_DB, Leveller
from wyoming_servers.tts.mixer import Mixer

RATE_HZ = 24_000
TARGET_LUFS = -20.0


def speech(seconds: float, lufs: float) -> bytes:
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wave = 10 ** ((lufs + 3.01) / 20) * np.sin(2 * np.pi * 997 * times)
    return bytes(np.rint(wave * 32767).astype("<i2"))


def say(leveller: Leveller, voice: str, pcm: bytes) -> bytes:
    mixer = Mixer(RATE_HZ, leveller)
    mixer.begin(voice)
    out = mixer.feed(pcm)
    mixer.end()
    return out + mixer.flush()


def loudness(pcm: bytes) -> float:
    meter = LoudnessMeter(RATE_HZ)
    meter.feed(pcm)
    assert meter.lufs is not None
    return meter.lufs


@pytest.mark.parametrize("own_lufs", [-30.0, -26.0, -16.0, -12.0])
def test_a_quiet_and_a_loud_voice_end_up_equally_loud(own_lufs: float) -> None:
    leveller = Leveller(RATE_HZ, TARGET_LUFS)
    heard = [loudness(say(leveller, "anna", speech(2, own_lufs))) for _ in range(8)]
    assert heard[0] == pytest.approx(own_lufs, abs=0.2), "the first piece is not delayed to be measured"
    assert np.abs(np.diff(heard)).max() <= LARGEST_STEP_DB + 0.2, "slowly"
    assert heard[-1] == pytest.approx(TARGET_LUFS, abs=SLACK_DB + 0.3)


def test_a_voice_that_is_about_right_is_left_alone() -> None:
    leveller = Leveller(RATE_HZ, TARGET_LUFS)
    pcm = speech(2, TARGET_LUFS + 0.8)
    assert [say(leveller, "anna", pcm) for _ in range(3)] == [pcm] * 3


def test_each_voice_has_a_gain_of_its_own() -> None:
    leveller = Leveller(RATE_HZ, TARGET_LUFS)
    for _ in range(5):
        say(leveller, "loud", speech(2, -14))
    assert leveller.gain("loud") < 0.6
    assert leveller.gain("other") == 1.0


def test_a_whisper_is_not_blown_up_beyond_a_limit_and_one_word_tells_nothing() -> None:
    leveller = Leveller(RATE_HZ, TARGET_LUFS)
    say(leveller, "short", speech(0.5, -50))
    assert leveller.gain("short") == 1.0
    for _ in range(20):
        say(leveller, "whisper", speech(2, -50))
    assert 20 * np.log10(leveller.gain("whisper")) == pytest.approx(LARGEST_GAIN_DB)


def test_switched_off_nothing_is_measured_or_changed() -> None:
    leveller = Leveller(RATE_HZ, None)
    pcm = speech(2, -40)
    assert [say(leveller, "anna", pcm) for _ in range(3)] == [pcm] * 3
