"""What comes before a model is asked: who asks, what is known of them, which tools there are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from avatar_appliance.config.memory import MemorySettings

from .barge_in import BargeIn
from .client_histories import ClientHistories
from .fact_choice import chosen_facts
from .house_tools import HouseMind, ToolOffer
from .known import Recalling
from .memory import ConversationMemory
from .person_memory import PersonMemory
from .prompt import Noted, PromptMaker
from .prompt_texts import told_by
from .question import Question
from .thought import Thought


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question as it goes to a model."""

    question: Question
    """With who asks, as far as anybody knows."""
    noted: Noted
    offer: ToolOffer


class Preparing:
    """Prepares questions; what takes its time elsewhere is asked for first, and waited for last."""

    def __init__(
        self,
        settings: MemorySettings,
        memory: ConversationMemory,
        house: HouseMind | None,
        person: PersonMemory | None,
        prompts: PromptMaker,
        barge_in: BargeIn,
        histories: ClientHistories,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._memory = memory
        self._house = house
        self._person = person
        self._prompts = prompts
        self._barge_in = barge_in
        self._histories = histories
        self._now = now

    @contextlib.contextmanager
    def recalling(self, question: Question) -> Iterator[Recalling]:
        """Have it asked for what is known, while the block runs and does what else comes before the model."""
        before = self._memory.last(question.conversation_id)
        if self._person is None:
            yield Recalling(before)
            return
        task = asyncio.create_task(self._person.recall(question, before), name="recall")
        try:
            yield Recalling(before, task)
        finally:
            task.cancel()

    async def prepared(
        self,
        question: Question,
        thought: Thought,
        recalling: Recalling,
        offer: ToolOffer | None = None,
        *,
        chooses: bool = True,
    ) -> Prepared:
        """Return the question with its notes and tools.

        `offer` are the tools of the client, `chooses` whether the model is free to call any of them.
        """
        offer = await self.offer(question, offer or ToolOffer(), chooses=chooses)
        if offer.trouble is not None:
            thought.detail["no_tools"] = offer.trouble
        before, facts = recalling.before, list[str]()
        if recalling.task is not None:
            known = await recalling.task
            question = replace(question, speaker=known.speaker)
            self._barge_in.note_spoken(question.conversation_id, before, known.spoken)
            bounds = self._settings
            facts = chosen_facts(known.facts, question.text, most=bounds.prompt_facts, most_tokens=bounds.prompt_tokens)
            thought.detail["facts"] = len(facts) or None
        thought.speaker = question.speaker
        broken_off = before is not None and before.broken_off
        if before is not None and broken_off:
            self._histories.break_off(question, told_by(before.question), before.answer)
        noted = self._prompts.noted(question, offer, self._now(), facts=facts, broken_off=broken_off)
        return Prepared(question, noted, offer)

    async def offer(self, question: Question, offer: ToolOffer, *, chooses: bool = True) -> ToolOffer:
        """Return the tools of the client, else those of the house, and those of our own."""
        if self._house is not None and not question.has_own_tools:
            offer = await self._house.offer(question)
        # A program that tries our endpoint names no conversation, and gets what it asked for.
        if self._person is None or not chooses or (question.has_own_tools and not question.conversation_id):
            return offer
        return replace(offer, own=self._person.tools)
