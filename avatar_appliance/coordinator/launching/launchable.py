"""What it takes to bring one worker up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avatar_appliance.coordinator.worker_spec import WorkerRole
from avatar_appliance.processes.process import ProcessSpec

from .chat_probe import ChatProbe
from .probe import WorkerProbe
from .sleeper import Sleeper
from .speaker_probe import SpeakerProbe
from .speech_probes import AsrProbe, TtsProbe
from .vllm_sleeper import OFFLOAD, VllmSleeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Launchable:
    """A worker's process, the probe that tells whether it works, and how it sleeps, if it can."""

    spec: ProcessSpec
    """`start_timeout_s` is the time until the probe is answered."""
    probe: WorkerProbe
    sleeper: Sleeper | None = None


def launchable(
    spec: ProcessSpec, role: WorkerRole, socket: Path, *, sleeps: bool = False, sleep_level: int = OFFLOAD
) -> Launchable:
    """Return what brings up a worker of `role` that listens on `socket`; `sleeps`: it has vLLM's sleep mode."""
    probe: WorkerProbe
    match role:
        case "asr":
            probe = AsrProbe(socket)
        case "tts":
            probe = TtsProbe(socket)
        case "llm":
            probe = ChatProbe(socket)
        case "speaker":
            probe = SpeakerProbe(socket)
    sleeper = VllmSleeper(socket, level=sleep_level) if sleeps else None
    return Launchable(spec=spec, probe=probe, sleeper=sleeper)
