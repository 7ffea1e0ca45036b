"""A voice: its recording made ready once, so that a request pays for none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_servers.workers.recording import read_speech

from .model import RATE_HZ

# The speech goes on from the last sound of the recording: without a pause there, its last syllable is heard again.
_TAIL_S = 0.5


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording as the model takes it."""

    prompt: list[Any]
    """One item of the package: codes of the recording and the speaker's embedding."""
    transcript: str
    languages: tuple[str, ...]
    """That the voice speaks (BCP 47)."""
    syllable_s: float
    """How long this person takes for a syllable."""


def load_reference(
    name: str, recording: Path, transcript: str, languages: Sequence[str], base: Any, *, most_s: float
) -> Reference:
    """Read and prepare the recording of voice `name`; raises ConfigError when it cannot be used."""
    speech = read_speech(recording, name, transcript, RATE_HZ, most_s=most_s)
    return prepare(speech.wave, transcript, languages, base, syllable_s=speech.syllable_s)


def prepare(wave: Any, transcript: str, languages: Sequence[str], base: Any, *, syllable_s: float) -> Reference:
    """Return the reference made of speech at 24 kHz, which says `transcript`."""
    with_pause = np.concatenate([wave, np.zeros(int(_TAIL_S * RATE_HZ), dtype=np.float32)])
    prompt = base.create_voice_clone_prompt(ref_audio=(with_pause, RATE_HZ), ref_text=transcript)
    return Reference(prompt, transcript, tuple(languages), syllable_s)
