"""Samples of an engine become the wire's, whatever it makes."""

from __future__ import annotations

import numpy as np

from wyoming_servers.workers.pcm import pcm16


def test_samples_become_16_bits_in_the_wires_order() -> None:
    assert pcm16([0.0, 0.5, -0.5]) == np.array([0, 16383, -16383], dtype="<i2").tobytes()


def test_what_is_too_loud_is_cut_off_and_never_wraps_around() -> None:
    assert pcm16(np.array([1.5, -1.5, np.inf, -np.inf])) == np.array([32767, -32767, 32767, -32767], "<i2").tobytes()


def test_what_is_no_number_is_silence() -> None:
    assert pcm16(np.array([np.nan, np.nan], dtype=np.float32)) == bytes(4)
