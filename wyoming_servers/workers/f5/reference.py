"""A voice: its recording made ready once, so that a request pays for none of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_servers.workers.recording import read_speech

from .front_end import reference_text
from .model import FRAMES_PER_S, HOP, RATE_HZ, F5Model

MOST_S = 12.0
# What upstream does to a recording: quiet ones are raised to this level, and the result lowered again.
_TARGET_RMS = 0.1
_TAIL_S = 0.05


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording as the model takes it."""

    mel: Any
    """Shape (1, frames, 100), in the model's format, on its device."""
    frames: int
    text: str
    tokens: list[str]
    gain: float
    """What its level was raised by."""
    frames_per_syllable: float
    """How fast this person speaks."""


def load_reference(name: str, recording: Path, transcript: str, model: F5Model, *, most_s: float = MOST_S) -> Reference:
    """Read and prepare the recording of voice `name`; raises ConfigError when it cannot be used."""
    speech = read_speech(recording, name, transcript, RATE_HZ, most_s=most_s)
    wave = speech.wave
    rms = float(np.sqrt(np.mean(np.square(wave))))
    gain = max(1.0, _TARGET_RMS / max(rms, 1e-4))
    torch = model.package.torch
    wave = np.concatenate([wave * np.float32(gain), np.zeros(int(_TAIL_S * RATE_HZ), dtype=np.float32)])
    frames = len(wave) // HOP
    with torch.inference_mode():
        # On the CPU in single precision: half of it loses the quiet bands of the spectrum.
        mel = model.cfm.mel_spec(torch.from_numpy(wave)[None]).permute(0, 2, 1)[:, :frames]
        model.cfm.mel_spec.to(model.device)
        mel = mel.to(model.dtype).to(model.device).contiguous()
    text = reference_text(transcript)
    tokens = model.package.convert_char_to_pinyin([text])[0]
    return Reference(mel, frames, text, tokens, gain, speech.syllable_s * FRAMES_PER_S)
