"""Which models of the catalogue a set of workers needs."""

from __future__ import annotations

from collections.abc import Iterable

from avatar_appliance.config.gpu_workers import CosyVoiceWorker, F5TtsWorker, VllmWorker
from avatar_appliance.config.pocket_tts import PocketTtsWorker
from avatar_appliance.config.qwen3_tts import Qwen3TtsWorker
from avatar_appliance.config.speaker_worker import ResemblyzerWorker
from avatar_appliance.config.workers import (
    FasterWhisperWorker,
    LlamaCppWorker,
    PiperWorker,
    WorkerSettings,
)

from .catalogue import Catalogue, Model


def needed_models(workers: Iterable[WorkerSettings], catalogue: Catalogue) -> list[Model]:
    """Return the catalogue's models among what the workers name; paths of the owner's own models are not ours."""
    wanted: list[str] = []
    for worker in workers:
        match worker:
            case FasterWhisperWorker() | LlamaCppWorker() | VllmWorker() | CosyVoiceWorker() | ResemblyzerWorker():
                wanted.append(worker.model)
            case F5TtsWorker() | PocketTtsWorker() | Qwen3TtsWorker() if worker.model is not None:
                wanted.append(worker.model)
            case PiperWorker():
                wanted += worker.voices
            case _:
                pass
    known = {model.name: model for model in catalogue.models}
    return [known[name] for name in dict.fromkeys(wanted) if name in known]
