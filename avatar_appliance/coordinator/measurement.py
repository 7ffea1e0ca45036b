"""What a worker was seen to take on a device of this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.models import Catalogue, ModelUnknown

from .device import DeviceId
from .estimates import size_on_disk

# What changes neither the process nor the bytes it takes.
_HOUSEKEEPING = {
    "start_timeout_s", "memory", "peak_memory", "keep_alive_s", "pinned", "preload", "priority", "max_leases", "device",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Bytes on the device and seconds of a start, of a worker with these settings and this model."""

    worker: str
    device: DeviceId
    fingerprint: str
    """Of the settings and the model it was measured with: another one makes it worthless."""
    rest_bytes: int
    peak_bytes: int
    start_s: float
    samples: int = 1
    measured_at: float = 0.0
    """Epoch seconds of the last sample."""

    def merged(self, newer: Measurement) -> Measurement:
        """Return this with one more sample.

        A worker grows in use (F5-TTS: 1,652 MiB at ready, 2,176 after five clients), and the largest it was seen with
        is what the next start has to fit. An outlier fades: what is above the newest sample loses a quarter each time.
        """
        if newer.fingerprint != self.fingerprint:
            return newer
        return Measurement(
            worker=self.worker,
            device=self.device,
            fingerprint=self.fingerprint,
            rest_bytes=_faded(self.rest_bytes, newer.rest_bytes),
            peak_bytes=_faded(self.peak_bytes, newer.peak_bytes),
            start_s=(3 * self.start_s + newer.start_s) / 4,
            samples=self.samples + newer.samples,
            measured_at=newer.measured_at,
        )


def worker_fingerprint(worker: LocalWorker, catalogue: Catalogue) -> str:
    """Return what tells whether a measurement is of the same worker: engine, settings and the bytes of its models."""
    settings = worker.model_dump(mode="json", exclude=_HOUSEKEEPING)
    models = [*_models(settings.get("model")), *_models(settings.get("voices"))]
    identity = json.dumps([settings, [_identity(model, catalogue) for model in models]], sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _models(value: object) -> Iterable[str]:
    values = value if isinstance(value, list) else [value]
    return (each for each in values if isinstance(each, str))


def _identity(model: str, catalogue: Catalogue) -> object:
    try:
        return [file.sha256 for file in catalogue.get(model).files]
    except ModelUnknown:
        pass
    size = size_on_disk(Path(model))
    return None if size is None else size.file_bytes


def _faded(old: int, new: int) -> int:
    return max(new, (3 * old + new) // 4)
