"""Loudness as EBU R128 measures it, gain without clipping, joins without a click."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wyoming_servers.audio import CrossFader, Limiter, LoudnessMeter
from wyoming_servers.audio.limiter import CEILING

RATE_HZ = 24_000


def tone(seconds: float, peak_dbfs: float, rate_hz: int = RATE_HZ, pitch_hz: float = 997.0) -> bytes:
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return pcm(10 ** (peak_dbfs / 20) * np.sin(2 * np.pi * pitch_hz * times))


def pcm(samples: NDArray[np.float64]) -> bytes:
    return bytes(np.rint(samples * 32767).astype("<i2"))


def samples(audio: bytes) -> NDArray[np.float64]:
    return np.frombuffer(audio, dtype="<i2") / 32768


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("peak_dbfs", [0.0, -23.0, -40.0])
def test_a_sine_is_as_loud_as_the_standard_says(rate_hz: int, peak_dbfs: float) -> None:
    """BS.1770: a 997 Hz sine at full scale in one channel reads -3.01 LKFS."""
    meter = LoudnessMeter(rate_hz)
    meter.feed(tone(3, peak_dbfs, rate_hz))
    assert meter.lufs == pytest.approx(-3.01 + peak_dbfs, abs=0.1)


def test_low_frequencies_count_less_and_high_ones_more() -> None:
    loudness = []
    for pitch_hz in (40.0, 997.0, 6000.0):
        meter = LoudnessMeter(48_000)
        meter.feed(tone(2, -20, 48_000, pitch_hz))
        loudness.append(meter.lufs)
    low, middle, high = loudness
    assert low is not None
    assert middle is not None
    assert high is not None
    assert low < middle - 5
    assert high == pytest.approx(middle + 3.3, abs=0.4)


def test_pauses_do_not_make_a_voice_less_loud() -> None:
    """EBU tech 3341, case 3: what is 10 LU below the rest is not counted."""
    meter = LoudnessMeter(RATE_HZ)
    for _ in range(5):
        meter.feed(tone(2, -20) + bytes(2 * RATE_HZ * 2) + tone(2, -60))
    assert meter.lufs == pytest.approx(-23.0, abs=0.6)


def test_portions_do_not_matter_and_silence_is_no_loudness() -> None:
    whole, parts = LoudnessMeter(RATE_HZ), LoudnessMeter(RATE_HZ)
    audio = tone(1.3, -12)
    whole.feed(audio)
    for start in range(0, len(audio), 1234):
        parts.feed(audio[start : start + 1234])
    assert parts.lufs == whole.lufs
    silent = LoudnessMeter(RATE_HZ)
    silent.feed(bytes(2 * RATE_HZ))
    assert (silent.lufs, silent.measured_s) == (None, 0.0)


def test_what_two_meters_heard_can_be_put_together() -> None:
    together, other = LoudnessMeter(RATE_HZ), LoudnessMeter(RATE_HZ)
    together.feed(tone(2, -20))
    other.feed(tone(2, -20))
    together.absorb(other)
    assert together.measured_s == pytest.approx(2 * other.measured_s)


def test_no_gain_changes_no_bit() -> None:
    audio = tone(0.5, 0.0)
    assert Limiter(RATE_HZ).apply(audio, 1.0) == audio


def test_a_gain_is_applied_and_its_change_is_ramped() -> None:
    limiter = Limiter(RATE_HZ)
    assert np.abs(samples(limiter.apply(tone(0.2, -30), 2.0))).max() == pytest.approx(2 * 10 ** (-30 / 20), rel=0.01)
    changed = samples(limiter.apply(tone(0.5, -30), 1.0))
    envelope = np.abs(changed).reshape(-1, 240).max(axis=1)
    assert envelope[0] > 1.8 * 10 ** (-30 / 20)
    assert envelope[-1] == pytest.approx(10 ** (-30 / 20), rel=0.02)
    assert np.abs(np.diff(envelope)).max() < 0.1 * envelope[0]


@pytest.mark.parametrize("portion", [64, 2048, 100_000])
def test_what_would_be_too_loud_is_taken_back_never_clipped(portion: int) -> None:
    limiter = Limiter(RATE_HZ)
    audio = tone(0.3, -20) + tone(0.3, -3) + tone(0.3, -20)
    out = b"".join(limiter.apply(audio[start : start + portion], 4.0) for start in range(0, len(audio), portion))
    assert len(out) == len(audio)
    assert np.abs(samples(out)).max() <= CEILING + 0.001


@pytest.mark.parametrize("portion", [2, 100, 479, 480, 481, 10_000])
def test_without_a_join_everything_comes_out_as_it_went_in(portion: int) -> None:
    fader, audio = CrossFader(RATE_HZ), tone(0.2, -6)
    portion -= portion % 2
    out = b"".join(fader.feed(audio[start : start + portion]) for start in range(0, len(audio), portion))
    assert out + fader.flush() == audio


@pytest.mark.parametrize("portion", [2, 100, 10_000])
def test_one_voice_fades_into_the_next(portion: int) -> None:
    fader = CrossFader(RATE_HZ)
    first, second = pcm(np.full(4800, 0.5)), pcm(np.full(4800, -0.5))
    out = fader.feed(first)
    fader.join()
    out += b"".join(fader.feed(second[start : start + portion]) for start in range(0, len(second), portion))
    out += fader.flush()
    joined = samples(out)
    assert len(joined) == 9600 - 240
    assert np.abs(np.diff(joined)).max() < 0.02, "a click"
    assert joined[0] == pytest.approx(0.5, abs=0.001)
    assert joined[-1] == pytest.approx(-0.5, abs=0.001)


def test_a_voice_that_says_nothing_leaves_the_end_of_the_one_before() -> None:
    fader, audio = CrossFader(RATE_HZ), tone(0.1, -6)
    out = fader.feed(audio)
    fader.join()
    fader.join()
    assert out + fader.flush() == audio


def test_a_word_that_breaks_off_fades_into_silence_and_out_of_it() -> None:
    fader = CrossFader(RATE_HZ)
    out = fader.feed(pcm(np.full(4800, 0.5))) + fader.break_off(0.25)
    out += fader.feed(pcm(np.full(4800, 0.5))) + fader.flush()
    heard = samples(out)
    assert np.abs(np.diff(heard)).max() < 0.02, "a click"
    assert (heard == 0).sum() >= 0.2 * RATE_HZ


@pytest.mark.parametrize("end", ["flush", "feed"])
def test_a_piece_shorter_than_the_fade_is_not_lost(end: str) -> None:
    fader = CrossFader(RATE_HZ)
    out = fader.feed(pcm(np.full(4800, 0.5)))
    fader.join()
    out += fader.feed(pcm(np.full(10, 0.5)))
    if end == "feed":
        fader.join()
        out += fader.feed(pcm(np.full(4800, 0.5)))
    out += fader.flush()
    assert np.abs(samples(out)).max() < 0.75
    assert len(out) >= 2 * 4800
