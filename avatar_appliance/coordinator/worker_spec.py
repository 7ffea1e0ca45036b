"""What the scheduler needs to know of a worker before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .device import DeviceId

WorkerRole = Literal["asr", "tts", "llm", "speaker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """A worker the coordinator may start and stop, or (`external`) one that runs elsewhere and is only leased."""

    name: str
    role: WorkerRole
    devices: tuple[DeviceId, ...] = ()
    """Where it can run, best first; empty for an external worker."""
    rest_bytes: int = 0
    """What it holds once it is ready: the estimate, replaced by what was measured."""
    peak_bytes: int = 0
    """The most it holds while it starts; a start charges this (vLLM needs 1.0-1.2 GiB more during a cold start)."""
    host_bytes: int = 0
    """RAM it holds beside its GPU memory; for a worker on `cpu` the same as `rest_bytes`."""
    start_s: float = 5.0
    """How long a start takes: the estimate, replaced by what was measured."""
    priority: int = 50
    """Higher outranks lower when memory is short; a start never evicts a worker of higher priority."""
    keep_alive_s: float | None = None
    """Idle seconds after which it is put to sleep or stopped; None: it stays until its memory is needed."""
    pinned: bool = False
    """Never a victim."""
    preload: bool = False
    """Wanted from the start, and again after a crash."""
    max_leases: int = 8
    """Requests that may use it at the same time."""
    can_sleep: bool = False
    """It can give most of its memory back without ending (vLLM's sleep mode)."""
    sleep_bytes: int = 0
    """What it still holds on its device while it sleeps."""
    external: bool = False
