"""Older turns of a conversation condensed by the model, in the background, when nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect

from .asking import Asking
from .client_histories import ClientHistories, turns_of
from .condenser import Condenser
from .house_tools import ToolOffer
from .memory import ConversationMemory
from .question import Question
from .rules import Rules

_LOGGER = logging.getLogger(__name__)

# At a time; the rest after a later answer.
MOST_STEPS: Final = 150


class Summaries:
    """Condenses one conversation at a time, step by step, and keeps each step.

    A turn goes first: a step is broken off, and tried again after a later answer. Until there is a summary, what no
    longer fits is simply not seen by the model.
    """

    def __init__(
        self, asking: Asking, memory: ConversationMemory, histories: ClientHistories, rules: Rules, *, enabled: bool
    ) -> None:
        self._asking = asking
        self._condenser = Condenser(asking, rules)
        self._memory = memory
        self._histories = histories
        self._enabled = enabled
        self._task: asyncio.Task[None] | None = None

    def give_way(self) -> None:
        """Break off: somebody waits for the model."""
        if self._task is not None and not self._task.done():
            # By a timer, which comes after what sockets bring in the same round of the loop: a future that anyio waits
            # for on a unix socket must not be cancelled just before it gets its result.
            asyncio.get_running_loop().call_later(0, self._task.cancel)

    def consider(self, question: Question, offer: ToolOffer, worker: str | None) -> None:
        """Begin to condense what waits for it in a conversation in which `worker` has just answered a question."""
        if self._may_begin(worker) and self._memory.older(question.conversation_id):
            assert worker is not None
            self._begin(partial(self._condense, question, worker), question, offer, worker)

    def consider_history(self, question: Question, offer: ToolOffer, cut: int, worker: str | None) -> None:
        """Begin to condense a client's history, of which a model did not see the first `cut` messages."""
        if self._may_begin(worker):
            assert worker is not None
            self._begin(partial(self._condense_history, question, cut, worker), question, offer, worker)

    async def aclose(self) -> None:
        """Break off for good."""
        self.give_way()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _may_begin(self, worker: str | None) -> bool:
        return self._enabled and worker is not None and (self._task is None or self._task.done())

    def _begin(self, work: Callable[[], Awaitable[bool]], question: Question, offer: ToolOffer, worker: str) -> None:
        self._task = asyncio.create_task(self._condense_and_read(work, question, offer, worker), name="summary")

    async def _condense_and_read(
        self, work: Callable[[], Awaitable[bool]], question: Question, offer: ToolOffer, worker: str
    ) -> None:
        """Condense, and have the new prompt read while nobody waits for it: the next one begins like that."""
        try:
            if await work():
                await self._asking.read(question, offer, worker)
        except AvatarError as error:
            _LOGGER.debug("a prompt with a summary was not read: %s", error.code)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: say it here
            log_defect(_LOGGER, "defect while older turns were condensed", error)

    async def _condense(self, question: Question, worker: str) -> bool:
        identity, condensed = question.conversation_id, False
        for _ in range(MOST_STEPS):
            if not (turns := self._memory.older(identity)):
                break
            former = self._memory.summary(identity)
            done = await self._condenser.condense([t.messages for t in turns], former, question.language, worker)
            if done is None:
                break
            self._memory.condense(identity, turns[: done.turns], done.summary)
            condensed = True
        return condensed

    async def _condense_history(self, question: Question, cut: int, worker: str) -> bool:
        until, condensed = _a_third_more(question, cut), False
        for _ in range(MOST_STEPS):
            waiting = self._histories.untold(question, until)
            if not waiting.turns:
                break
            former = waiting.former.summary if waiting.former else None
            done = await self._condenser.condense(waiting.turns, former, question.language, worker)
            if done is None or not self._histories.keep(question, waiting, done.turns, done.summary):
                break
            condensed = True
        return condensed


def _a_third_more(question: Question, cut: int) -> int:
    """Return how many messages shall be condensed where the first `cut` must: each time the prompt begins anew."""
    turns = list(turns_of((question.earlier or ())[cut:]))
    return cut + sum(map(len, turns[: len(turns) // 3]))
