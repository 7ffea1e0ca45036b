"""What both sides of a comparison run: one Whisper model and one Piper voice of the configuration, spelled out.

Nothing stays on "auto": what is not said would be decided differently by two programs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar_appliance.config import Settings
from avatar_appliance.config.workers import FasterWhisperWorker, PiperWorker
from avatar_appliance.errors import ConfigError
from avatar_appliance.models import ModelStore, load_catalogue

from .errors import NothingToCompare

# What a worker takes when the configuration says 0 (wyoming_servers/workers/threads.py).
MOST_THREADS = 4
STOCK_WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class WhisperSubject:
    """A faster-whisper worker of ours, every setting decided."""

    worker: str
    settings: FasterWhisperWorker
    model: Path

    def facts(self, *, same_settings: bool) -> dict[str, str | int | float | None]:
        """Return the settings for the report."""
        chosen = self.settings
        return {
            "asr_model": self.model.name,
            "asr_device": chosen.device,
            "asr_compute_type": chosen.compute_type,
            "asr_threads": chosen.threads,
            "asr_beam_size": chosen.beam_size,
            "asr_window_s": STOCK_WINDOW_S if same_settings else chosen.window_s,
        }


@dataclass(frozen=True, slots=True)
class PiperSubject:
    """A Piper worker of ours with one voice."""

    worker: str
    settings: PiperWorker
    model: Path
    rate_hz: int
    """The voice's own rate."""

    @property
    def voice(self) -> str:
        """Name under which both sides know the voice."""
        return self.model.name.removesuffix(".onnx")


@dataclass(frozen=True, slots=True)
class Subject:
    """The two workers; None where the configuration has none that a stock server could stand beside."""

    whisper: WhisperSubject | None
    piper: PiperSubject | None


def choose_subject(settings: Settings) -> Subject:
    """Return the first faster-whisper and the first piper worker of the ladders.

    Raises NothingToCompare when there is neither, ModelMissing, ModelCorrupt or ConfigError for their models.
    """
    whisper = piper = None
    for name in settings.asr.workers:
        worker = settings.workers[name]
        if isinstance(worker, FasterWhisperWorker):
            whisper = _whisper(name, worker, settings)
            break
    for name in settings.tts.workers:
        worker = settings.workers[name]
        if isinstance(worker, PiperWorker):
            piper = _piper(name, worker, settings)
            break
    if whisper is None and piper is None:
        raise NothingToCompare("neither a faster-whisper nor a piper worker is configured")
    return Subject(whisper, piper)


def _whisper(name: str, worker: FasterWhisperWorker, settings: Settings) -> WhisperSubject:
    device = "cpu" if worker.device == "auto" else worker.device
    automatic: Literal["int8", "float16"] = "int8" if device == "cpu" else "float16"
    decided = worker.model_copy(
        update={
            "model": str(_model(worker.model, settings)),
            "device": device,
            "compute_type": automatic if worker.compute_type == "auto" else worker.compute_type,
            "threads": worker.threads or min(MOST_THREADS, len(os.sched_getaffinity(0))),
        }
    )
    return WhisperSubject(name, decided, Path(decided.model))


def _piper(name: str, worker: PiperWorker, settings: Settings) -> PiperSubject:
    path = _model(worker.voices[0], settings)
    model = next(iter(sorted(path.rglob("*.onnx"))), path) if path.is_dir() else path
    description = model.with_name(f"{model.name}.json")
    try:
        rate_hz = int(json.loads(description.read_text(encoding="utf-8"))["audio"]["sample_rate"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(f"{model} is no usable Piper voice") from None
    return PiperSubject(name, worker.model_copy(update={"voices": [str(model)]}), model, rate_hz)


def _model(named: str, settings: Settings) -> Path:
    """Return the absolute path of a model, as the workers themselves find it."""
    path = Path(named).expanduser()
    if path.is_absolute() or named.startswith(("./", "../", "~")):
        if not path.exists():
            raise ConfigError(f"model path {path} does not exist")
        return path.resolve()
    store, wanted = ModelStore(settings.paths.cache_dir), load_catalogue().get(named)
    store.ensure(wanted)
    return store.entry(wanted).resolve()
