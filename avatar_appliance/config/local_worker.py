"""What every worker section has that describes a process of ours: where it runs, what it holds, when it goes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .memory_estimate import MemoryEstimate, ModelSizes
from .section import Section
from .size import Size

Role = Literal["asr", "tts", "llm", "speaker"]
DeviceKind = Literal["gpu", "cpu"]
ToolUse = Literal["auto", "off"]
DeviceChoice = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$")]

_ROLE_PRIORITIES: dict[Role, int] = {"asr": 80, "tts": 70, "llm": 60, "speaker": 50}


class LocalWorker(Section):
    """What every worker that we start ourselves has."""

    light: ClassVar[bool] = False
    """Whether it is so small and quick to start that it is kept up even when it is on no first rung."""
    clones: ClassVar[bool] = False
    """Whether it speaks in the voices of the voice profiles, in the languages of its `clone_languages`."""

    start_timeout_s: float = Field(default=180, gt=0, le=3600)
    """Seconds a start may take until the worker answers a real probe."""
    env: dict[str, str] = Field(default_factory=dict)
    """Extra environment variables for the worker process."""
    memory: Size | None = None
    """What it holds once it is ready (`2.5GiB`), on its GPU or in RAM; default: estimated, then measured."""
    peak_memory: Size | None = None
    """The most it holds while it starts; default: estimated, then measured."""
    keep_alive_s: float | None = Field(default=None, ge=0)
    """Idle seconds after which it is put to sleep or stopped; null: it stays until its memory is needed."""
    pinned: bool = False
    """Never stopped for the memory of others."""
    preload: bool | None = None
    """Started with the appliance and again after a crash; default: the first of each ladder, Piper and eSpeak,
    and whoever tells speakers apart."""
    priority: int | None = Field(default=None, ge=0, le=100)
    """Who keeps the memory when it is short: higher outranks lower. Default: 90 Piper and eSpeak, 80 speech-to-text,
    70 fast voices, 60 chat models, 50 who is speaking, 30 high-quality voices."""
    max_leases: int = Field(default=8, ge=1, le=1000)
    """Requests that may use it at the same time."""

    @property
    @abstractmethod
    def role(self) -> Role:
        """The role this worker serves."""

    @property
    def runs_on(self) -> tuple[DeviceKind, ...]:
        """Kinds of devices its engine can run on, best first."""
        return ("cpu",)

    @property
    def wanted_device(self) -> str:
        """`auto`, `cpu`, `cuda` (any GPU) or `cuda:N`."""
        return "cpu"

    @property
    def default_priority(self) -> int:
        """Its priority where the section gives none."""
        return _ROLE_PRIORITIES[self.role]

    @abstractmethod
    def estimate(self, device: str, model_sizes: ModelSizes) -> MemoryEstimate:
        """Return what it will hold on `device` (`cpu` or `cuda:N`); `memory` and `peak_memory` are not looked at."""

    @model_validator(mode="after")
    def _residency_makes_sense(self) -> Self:
        if self.pinned and self.keep_alive_s is not None:
            raise ValueError("pinned and keep_alive_s exclude each other: a pinned worker never goes for being idle")
        if self.memory is not None and self.peak_memory is not None and self.peak_memory < self.memory:
            raise ValueError("peak_memory is less than memory: while it starts it holds at least what it holds later")
        return self


class GpuWorker(LocalWorker):
    """A local worker whose engine can run on a GPU."""

    device: DeviceChoice = "auto"
    """auto (a GPU, else the CPU where the engine can), cpu, cuda (any GPU) or cuda:N (as `nvidia-smi` numbers them)."""

    @property
    def runs_on(self) -> tuple[DeviceKind, ...]:
        """Kinds of devices its engine can run on, best first."""
        return ("gpu", "cpu")

    @property
    def wanted_device(self) -> str:
        """`auto`, `cpu`, `cuda` (any GPU) or `cuda:N`."""
        return self.device

    @model_validator(mode="after")
    def _engine_runs_there(self) -> Self:
        if self.device == "cpu" and "cpu" not in self.runs_on:
            raise ValueError("device: this engine needs a GPU; give auto, cuda or cuda:N")
        return self
