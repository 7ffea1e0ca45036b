"""One side of a comparison while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_appliance.client import Endpoint

from .report import ArmFacts


@dataclass(frozen=True, slots=True)
class RunningArm:
    """Servers that are ready; None for a role that is not compared."""

    facts: ArmFacts
    asr: Endpoint | None
    tts: Endpoint | None
    voice: str | None = None
    client_ends: bool = True
    """Whether its ASR server leaves the end of speech to the client."""
