"""One step of condensing: some turns and what was told before them become one summary."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from avatar_appliance.errors import AvatarError
from wyoming_servers.backends.chat_message import Message

from .answer_text import as_answer
from .asking import Asking
from .exchanges import exchanges_that_fit
from .prompt_texts import MAX_SUMMARY_CHARS, summary_request
from .rules import Rules
from .step_size import StepSize

_LOGGER = logging.getLogger(__name__)

MOST_TOKENS: Final = 220
# Beside the turns: what is asked, the former summary, the answer.
RESERVED_TOKENS: Final = 700
_SENTENCE: Final = re.compile(r"[^。！？!?\n]*?(?:[。！？!?]+|\.(?=\s)|\n|$)\s*")
LONGEST_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Condensed:
    """What one step came to."""

    turns: int
    """So many of those given, the oldest."""
    summary: str


class Condenser:
    """Asks the worker that answered last, at the lowest urgency."""

    def __init__(self, asking: Asking, rules: Rules) -> None:
        self._asking = asking
        self._rules = rules
        self._step = StepSize()

    async def condense(
        self, turns: Sequence[Sequence[Message]], former: str | None, language: str, worker: str
    ) -> Condensed | None:
        """Return a summary of the oldest turns and of a former summary; None (and a line in the log) where it fails."""
        room, window = self._step.of(worker), self._asking.window_of(worker)
        if window is not None:
            room = min(room, window - RESERVED_TOKENS)
        exchanges = exchanges_that_fit(turns, language, room)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(LONGEST_S):
                request = summary_request(self._rules.condensing(language), language, former, exchanges)
                written = await self._asking.condense(worker, request, MOST_TOKENS)
            self._step.took(worker, time.monotonic() - began_s)
            summary = _once(await _as_text(written, language))
        except asyncio.CancelledError:
            self._step.broken_off(worker)
            raise
        except (AvatarError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self._step.broken_off(worker)
            _LOGGER.info("older turns are not condensed: %s", getattr(error, "code", "too slow"))
            return None
        _LOGGER.debug("%d turns condensed in %.1f s", len(exchanges), time.monotonic() - began_s)
        return Condensed(len(exchanges), summary[:MAX_SUMMARY_CHARS]) if summary else None


def _once(text: str) -> str:
    """Return a text with each of its sentences once: small models repeat themselves to the end."""
    found: dict[str, str] = {}
    for sentence in _SENTENCE.findall(text):
        if sentence.strip():
            found.setdefault(sentence.strip(), sentence)
    return "".join(found.values()).strip()


async def _as_text(written: str, language: str) -> str:
    """Return a summary as any answer would be: without reasoning, in the script that is read."""

    async def pieces() -> AsyncIterator[str]:
        yield written

    return "".join([piece async for piece in as_answer(pieces(), language)]).strip()
