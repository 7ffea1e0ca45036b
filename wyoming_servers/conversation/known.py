"""What is known before an answer: who asks, what they want remembered, how the last answer ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from avatar_appliance.facts import Fact
from avatar_appliance.facts.messages import Spoken

from .memory import RememberedTurn


@dataclass(frozen=True, slots=True)
class Known:
    """What the control plane told, or nothing where it was not asked or did not answer."""

    speaker: str | None = None
    facts: tuple[Fact, ...] = ()
    """Newest first."""
    spoken: Spoken | None = None
    """What became of the last answer at the text-to-speech server."""
    trouble: str | None = None
    """Code of the error that kept it from telling."""


@dataclass(frozen=True, slots=True)
class Recalling:
    """What is being asked for."""

    before: RememberedTurn | None
    """The turn before, as far as this conversation server knows."""
    task: asyncio.Task[Known] | None = None
    """None where nobody is asked."""
