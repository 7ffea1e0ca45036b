"""What of an utterance becomes a reference, and what is no good for one."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from wyoming_servers.audio import LoudnessMeter
from wyoming_servers.own_voice.reference import MARGIN_S, Sound, reference_wav

RATE_HZ = 16_000


def tone(seconds: float, level: float = 0.05) -> bytes:
    samples = level * np.sin(2 * np.pi * 220 * np.arange(int(RATE_HZ * seconds)) / RATE_HZ)
    return bytes((samples * 32767).astype("<i2"))


def utterance(begins_s: float, ends_s: float, total_s: float, *, speech_s: float | None = None) -> Sound:
    silence_before, silence_after = bytes(2 * int(RATE_HZ * begins_s)), bytes(2 * int(RATE_HZ * (total_s - ends_s)))
    pcm = silence_before + tone(ends_s - begins_s) + silence_after
    return Sound(pcm, RATE_HZ, ends_s - begins_s if speech_s is None else speech_s, begins_s, ends_s)


def read(wav: bytes) -> tuple[int, bytes]:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


def test_the_silence_around_the_words_is_cut_off_and_the_rate_is_that_of_the_engines() -> None:
    rate_hz, pcm = read(reference_wav(utterance(1.0, 5.0, 8.0)))
    assert rate_hz == 24_000
    assert len(pcm) / 2 / rate_hz == pytest.approx(4.0 + 2 * MARGIN_S, abs=0.02)


def test_words_at_the_edges_of_the_recording_need_no_margin() -> None:
    _, pcm = read(reference_wav(utterance(0.0, 4.0, 4.0)))
    assert len(pcm) / 2 / 24_000 == pytest.approx(4.0, abs=0.02)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.9])
def test_whispered_and_shouted_utterances_become_equally_loud(level: float) -> None:
    sound = Sound(tone(4.0, level), RATE_HZ, 4.0, 0.0, 4.0)
    _, pcm = read(reference_wav(sound))
    meter = LoudnessMeter(24_000)
    meter.feed(pcm)
    assert meter.lufs == pytest.approx(-23.0, abs=0.5)


def test_silence_that_a_detector_took_for_speech_is_not_amplified() -> None:
    _, pcm = read(reference_wav(Sound(bytes(2 * RATE_HZ * 4), RATE_HZ, 4.0, 0.0, 4.0)))
    assert not any(pcm)


@pytest.mark.parametrize(
    ("sound", "trouble"),
    [
        (utterance(0.0, 2.9, 4.0), "too little speech"),
        (utterance(0.0, 8.0, 8.0, speech_s=1.2), "too little speech"),
        (utterance(0.0, 0.0, 2.0), "too little speech"),
        (utterance(0.5, 15.8, 16.5), "too long a question"),
        (utterance(0.5, 3.6, 4.0), None),
        (utterance(0.2, 14.8, 16.0), None),
    ],
)
def test_too_little_and_too_much_are_no_voice_and_the_reason_is_told(sound: Sound, trouble: str | None) -> None:
    assert sound.trouble == trouble
