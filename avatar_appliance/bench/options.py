"""What a benchmark is asked to do, and whom it tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avatar_appliance.client import Endpoint
from avatar_appliance.config import Settings

from .report import Mode


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the three servers of the running appliance listen."""

    asr: Endpoint
    tts: Endpoint
    conversation: Endpoint


@dataclass(frozen=True, slots=True)
class PeerOptions:
    """A comparison with the stock servers instead of a measurement of the running appliance."""

    settings: Settings
    """Configuration to take models, voices, beams and threads from."""
    python: Path | None = None
    """Interpreter that has wyoming-faster-whisper and wyoming-piper; default: this one, then the programs on PATH."""
    live: bool = False
    """Also speak every recording at microphone pace (slow: it takes as long as the recordings)."""


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """One run."""

    folder: Path | None = None
    """Folder of WAV files; default: the bundled recordings."""
    rounds: int = 5
    warm_up_rounds: int = 1
    """Rounds before these, thrown away: caches fill, clocks rise."""
    modes: tuple[Mode, ...] = ("turn", "burst")
    trailing_silence_s: float = 2.0
    """Silence behind each recording, at the end of which the client gives up and sends `audio-stop`."""
    settle_s: float = 0.5
    """Pause before each measurement: engines' threads spin for some 0.2 s after their last work."""
    language: str | None = None
    """Language of recordings whose manifest names none."""
    voice: str | None = None
    """Voice to speak with; default: the server's choice."""
    vad_sensitivity: str | None = None
    """default, relaxed or aggressive; None leaves it to the server."""
    peer: PeerOptions | None = None
    command: tuple[str, ...] = ()
    """Command line for the report."""


class BenchProgress(Protocol):
    """Hears how far a run is."""

    def begin(self, title: str, steps: int) -> None:
        """`steps` measurements follow."""

    def advance(self, what: str) -> None:
        """One measurement is done."""

    def note(self, text: str) -> None:
        """Something the person at the terminal wants to know now."""


class Silence:
    """Tells nobody."""

    def begin(self, title: str, steps: int) -> None:
        """Ignore."""

    def advance(self, what: str) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
