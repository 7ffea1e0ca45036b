"""Older turns of a conversation condensed by the model, in the background, when nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Final

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from wyoming_servers.backends.chat_message import Message

from .answer_text import as_answer
from .asking import Asking
from .context_window import newest_turns
from .memory import ConversationMemory, RememberedTurn
from .prompt_texts import MAX_SUMMARY_CHARS, summary_request, told_by

_LOGGER = logging.getLogger(__name__)

MOST_TOKENS: Final = 220
# Beside the turns: what is asked, the former summary, the answer.
RESERVED_TOKENS: Final = 700
LONGEST_S: Final = 60.0


class Summaries:
    """Condenses one conversation at a time. A turn goes first: it is broken off, and tried again after a later answer.

    Until there is a summary, what no longer fits is simply not seen by the model.
    """

    def __init__(self, asking: Asking, memory: ConversationMemory, *, enabled: bool) -> None:
        self._asking = asking
        self._memory = memory
        self._enabled = enabled
        self._task: asyncio.Task[None] | None = None

    def give_way(self) -> None:
        """Break off: somebody waits for the model."""
        if self._task is not None:
            self._task.cancel()

    def consider(self, conversation_id: str, language: str, worker: str | None) -> None:
        """Begin to condense what waits for it in a conversation that `worker` has just answered in."""
        busy = self._task is not None and not self._task.done()
        if self._enabled and worker is not None and not busy and self._memory.older(conversation_id):
            work = self._condense(conversation_id, language, worker)
            self._task = asyncio.create_task(work, name=f"summary {conversation_id}")

    async def aclose(self) -> None:
        """Break off for good."""
        self.give_way()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _condense(self, conversation_id: str, language: str, worker: str) -> None:
        turns = self._memory.older(conversation_id)
        try:
            async with asyncio.timeout(LONGEST_S):
                request = self._request(conversation_id, language, worker)
                written = await self._asking.condense(worker, request, MOST_TOKENS)
            summary = await _as_text(written, language)
        except (AvatarError, TimeoutError) as error:
            _LOGGER.info("older turns are not condensed: %s", getattr(error, "code", "too slow"))
            return
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: say it here
            log_defect(_LOGGER, "defect while older turns were condensed", error)
            return
        if summary:
            self._memory.condense(conversation_id, turns, summary[:MAX_SUMMARY_CHARS])

    def _request(self, conversation_id: str, language: str, worker: str) -> list[Message]:
        turns = self._memory.older(conversation_id)
        window = self._asking.window_of(worker)
        messages = [message for turn in turns for message in turn.messages]
        if window is not None:
            messages = newest_turns(messages, window - RESERVED_TOKENS)
        kept = turns[len(turns) - len(messages) // 2 :]
        return summary_request(language, self._memory.summary(conversation_id), _exchanges(kept))


def _exchanges(turns: Sequence[RememberedTurn]) -> list[tuple[str, str]]:
    return [(told_by(turn.question), turn.answer) for turn in turns]


async def _as_text(written: str, language: str) -> str:
    """Return a summary as any answer would be: without reasoning, in the script that is read."""

    async def pieces() -> AsyncIterator[str]:
        yield written

    return "".join([piece async for piece in as_answer(pieces(), language)]).strip()
