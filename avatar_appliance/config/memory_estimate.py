"""What a worker is expected to hold before anybody has measured it.

Each local worker section has a method `estimate(device, model_sizes) -> MemoryEstimate`. `device` is `cpu` or `cuda:N`;
`model_sizes` tells how large a model is, by the name or path the section gives. Measured figures replace all of this
after the first start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Bytes on the worker's device (on `cpu`: RAM) and how long a start takes."""

    rest_bytes: int
    """Once it is ready and has been used: what the largest usual request adds is in it."""
    peak_bytes: int
    """The most while it starts; at least `rest_bytes`."""
    start_s: float
    """From the start of the process to its first answer, with warm caches."""
    host_bytes: int = 0
    """RAM beside the memory of a GPU; on `cpu` the same as `rest_bytes`."""
    sleep_bytes: int | None = None
    """What it still holds on its device while it sleeps; None: it cannot sleep."""

    def __post_init__(self) -> None:
        if self.peak_bytes < self.rest_bytes:
            raise ValueError("a start peaks at what stays, or above")

    @classmethod
    def on_cpu(
        cls, rest_bytes: int, *, start_s: float, peak_bytes: int | None = None, sleep_bytes: int | None = None
    ) -> MemoryEstimate:
        """Return the estimate of a worker that lives in RAM."""
        return cls(
            rest_bytes=rest_bytes,
            peak_bytes=max(rest_bytes, peak_bytes or 0),
            start_s=start_s,
            host_bytes=rest_bytes,
            sleep_bytes=sleep_bytes,
        )


@dataclass(frozen=True, slots=True)
class ModelSize:
    """How large a model is."""

    file_bytes: int
    """Its files in total."""
    ram_bytes: int | None = None
    """What its usual engine needs in all on a CPU, where the catalogue says so."""


ModelSizes = Callable[[str], ModelSize | None]
"""Tells the size of a model by its name in the catalogue, or by the path of its file or folder; None: not known."""
