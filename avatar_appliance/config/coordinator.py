"""The `coordinator` section: how memory is shared out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from .section import Section
from .size import Size

_MIB = 2**20


def _not_a_boolean(value: Any) -> Any:
    # YAML 1.1 reads a bare `on` and `off` as true and false.
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


GuestModeName = Annotated[
    Literal["auto", "on", "off"],
    BeforeValidator(_not_a_boolean),
    WithJsonSchema({"enum": ["auto", "on", "off", True, False]}),
]


class GuestModeSettings(Section):
    """When others (a game, a transcoder, a training run) get the GPUs and voice goes on with the CPU."""

    mode: GuestModeName = "auto"
    """auto: when others need a GPU; on: always, until somebody switches it; off: never."""
    share: float = Field(default=0.5, gt=0, le=1)
    """With auto: others who hold this share of a GPU get all of it."""
    linger_s: float = Field(default=30.0, ge=0, le=86_400)
    """Seconds that others must have held less than half of that before voice comes back."""
    programs: list[Annotated[str, Field(min_length=1, max_length=255)]] = Field(default_factory=list)
    """With auto: programs that get the GPU whenever they are on it, however little they hold, by the name that `ps`
    shows (`cs2`, `ffmpeg`)."""


class CoordinatorSettings(Section):
    """The VRAM-aware coordinator: which models are loaded, and who goes when memory is short."""

    gpu_ceiling: float = Field(default=0.90, gt=0, le=1)
    """Share of a GPU's memory that voice and others may hold together; beyond it voice gives way."""
    cpu_ceiling: float = Field(default=0.95, gt=0, le=1)
    """The same for the machine's RAM."""
    headroom: Size = 256 * _MIB
    """Kept free on each GPU below the ceiling."""
    lease_wait_s: float = Field(default=2.0, ge=0, le=60)
    """Seconds a request waits for a worker to be loaded before a lower rung, or a clear no, is the answer."""
    most_waiting: int = Field(default=32, ge=1, le=1000)
    """Requests that may wait for a worker at once."""
    min_residency_s: float = Field(default=20.0, ge=0, le=86_400)
    """Seconds that a worker which just became ready is not sent away for another one."""
    after_shed_s: float = Field(default=15.0, ge=0, le=86_400)
    """Seconds that a worker which had to go for others does not come back by itself."""
    cool_down_s: float = Field(default=60.0, ge=0, le=86_400)
    """Rest of a worker that keeps crashing or running out of memory."""
    tick_s: float = Field(default=0.5, ge=0.05, le=10)
    """How often the devices are looked at; a look takes less than a millisecond."""
    guest_mode: GuestModeSettings = Field(default_factory=GuestModeSettings)
    """Others on the GPUs."""
    decision_days: float = Field(default=30, ge=0, le=3650)
    """Days that decisions (what was loaded, sent away, denied, and why) are kept."""
    max_decisions: int = Field(default=20_000, ge=0, le=10_000_000)
    """Most decisions that are kept; the oldest go first."""
