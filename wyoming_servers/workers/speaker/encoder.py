"""Resemblyzer's voice encoder: three layers of LSTM and a projection, over windows of 1.6 s.

The published encoder is a torch module; its 1.4 million numbers need none. What numpy makes of them differs from torch
in the sixth digit (a test of `make test-engines` compares), and the process takes a fifth of the memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.errors import ConfigError

from .checkpoint import Weights, read_weights
from .mel import BANDS, HOP, RATE_HZ, mel_frames

SIZE = 256
"""Numbers of an embedding."""
LAYERS = 3
WINDOW_FRAMES = 160
# As Resemblyzer does it: 1.3 windows begin each second, and a last one that is three quarters empty is left out.
WINDOW_STEP_FRAMES = round(RATE_HZ / 1.3 / HOP)
LEAST_COVERAGE = 0.75
# Quiet recordings are raised to this level; loud ones stay.
TARGET_DBFS = -30.0
_STATE = "model_state"

Embedding = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One LSTM layer, its matrices ready to be multiplied from the right."""

    inputs: NDArray[np.float32]
    hidden: NDArray[np.float32]
    bias: NDArray[np.float32]


class VoiceEncoder:
    """Makes embeddings of length 1; call it from one thread."""

    def __init__(self, weights: Weights) -> None:
        """Take the weights by the names torch has for them; raises ConfigError where one is missing or misshapen."""
        self._layers = [
            _Layer(
                inputs=_turned(_taken(weights, f"lstm.weight_ih_l{number}", (4 * SIZE, SIZE if number else BANDS))),
                hidden=_turned(_taken(weights, f"lstm.weight_hh_l{number}", (4 * SIZE, SIZE))),
                bias=_taken(weights, f"lstm.bias_ih_l{number}", (4 * SIZE,))
                + _taken(weights, f"lstm.bias_hh_l{number}", (4 * SIZE,)),
            )
            for number in range(LAYERS)
        ]
        self._projection = _turned(_taken(weights, "linear.weight", (SIZE, SIZE)))
        self._projection_bias = _taken(weights, "linear.bias", (SIZE,))

    @classmethod
    def load(cls, file: Path) -> VoiceEncoder:
        """Return the encoder whose checkpoint is `file`; raises ConfigError for anything else."""
        return cls(read_weights(file, _STATE))

    def embed(self, wave: NDArray[np.float32]) -> Embedding:
        """Return the embedding of `wave` (16 kHz, mono, -1..1), which is not empty: shape (256,)."""
        wave = _raised(wave)
        starts = _window_starts(len(wave))
        wave = np.pad(wave, (0, max(0, (starts[-1] + WINDOW_FRAMES) * HOP - len(wave))))
        mel = mel_frames(wave)
        parts = self._windows(np.stack([mel[start : start + WINDOW_FRAMES] for start in starts]))
        return _of_length_one(parts.mean(axis=0))

    def _windows(self, mels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an embedding per window; `mels` has shape (windows, frames, bands)."""
        values = np.ascontiguousarray(mels.transpose(1, 0, 2))
        for layer in self._layers:
            values = _run(layer, values)
        raw = np.maximum(values[-1] @ self._projection + self._projection_bias, 0)
        return np.stack([_of_length_one(row) for row in raw])


def _run(layer: _Layer, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a layer's outputs, shape (frames, windows, 256); torch's order of gates: input, forget, cell, output."""
    # The inputs of all frames at once: half of the work is then one large product, which is what BLAS is good at.
    prepared = inputs @ layer.inputs + layer.bias
    hidden = cell = np.zeros((inputs.shape[1], SIZE), dtype=np.float32)
    outputs = np.empty((*inputs.shape[:2], SIZE), dtype=np.float32)
    for frame, ready in enumerate(prepared):
        gates = ready + hidden @ layer.hidden
        enter, forget, leave = (_sigmoid(gates[:, i * SIZE : (i + 1) * SIZE]) for i in (0, 1, 3))
        cell = forget * cell + enter * np.tanh(gates[:, 2 * SIZE : 3 * SIZE])
        hidden = outputs[frame] = leave * np.tanh(cell)
    return outputs


def _sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    half = np.float32(0.5)
    return np.asarray(half + half * np.tanh(half * values))  # unlike exp(-x), it cannot overflow


def _window_starts(samples: int) -> list[int]:
    """Return the first frame of each window over so many samples."""
    frames = -(-(samples + 1) // HOP)
    starts = list(range(0, max(1, frames - WINDOW_FRAMES + WINDOW_STEP_FRAMES + 1), WINDOW_STEP_FRAMES))
    covered = (samples - starts[-1] * HOP) / (WINDOW_FRAMES * HOP)
    return starts[:-1] if covered < LEAST_COVERAGE and len(starts) > 1 else starts


def _raised(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    gain = 10 ** (TARGET_DBFS / 20) / max(rms, 1e-9)
    return wave * np.float32(gain) if 1 < gain < 1e6 else wave


def _of_length_one(values: NDArray[np.float32]) -> Embedding:
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), dtype=np.float32)


def _taken(weights: Weights, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    found = weights.get(name)
    if found is None or found.shape != shape:
        raise ConfigError(f"this is no speaker encoder of Resemblyzer's kind: {name} is not there, or of another shape")
    return found


def _turned(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(matrix.T)
