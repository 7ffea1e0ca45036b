"""The worker section of the engine that tells speakers apart."""

from __future__ import annotations

from typing import ClassVar, Literal

from .local_worker import LocalWorker, Role
from .memory_estimate import MIB, MemoryEstimate, ModelSizes

# Measured (2 vCPU AMD EPYC, November 2026): the engine 66 MiB at rest and 77 at its peak, the longest audio included
# (benchmarks/results/speaker-identification.json); the whole worker process 76 MiB.
_REST_BYTES = 80 * MIB
_PEAK_BYTES = 90 * MIB
_START_S = 2.0


class ResemblyzerWorker(LocalWorker):
    """Speaker embeddings by Resemblyzer's voice encoder, on the CPU: whose voice is this?"""

    light: ClassVar[bool] = True

    engine: Literal["resemblyzer"]
    model: str = "resemblyzer"
    """Name in the model catalogue, or the path of a folder with Resemblyzer's `pretrained.pt`."""

    @property
    def role(self) -> Role:
        """The role this worker serves."""
        return "speaker"

    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """Measured: Python, numpy and 1.4 million numbers."""
        return MemoryEstimate.on_cpu(_REST_BYTES, start_s=_START_S, peak_bytes=_PEAK_BYTES)
