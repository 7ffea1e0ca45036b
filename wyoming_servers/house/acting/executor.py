"""Who carries out intents."""

from __future__ import annotations

from typing import Protocol

from wyoming_servers.house.asker import Asker

from .intent_call import IntentCall
from .outcome import Outcome


class Executor(Protocol):
    """Carries out intents and says what became of them."""

    async def carry_out(self, call: IntentCall, asker: Asker) -> Outcome:
        """Carry out one intent, within a bounded time; never raises AvatarError: a failure is an outcome."""
        ...
