"""From a question to a streamed answer: prompt, memory, ladder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from avatar_appliance.config.settings import ConversationSettings
from avatar_appliance.leases import Urgency
from wyoming_servers.backends.chat_model import Answer, ChatModel, ContextTooLong, Message
from wyoming_servers.backends.use import Use
from wyoming_servers.backends.worker_access import WorkerAccess

from .answer_text import as_answer, has_clause
from .memory import ConversationMemory

# How long the best model is waited for before a lesser one answers.
PATIENCE_S = 1.5


@dataclass(slots=True)
class Thought:
    """What answering used, for the report."""

    worker: str | None = None
    degraded: str | None = None
    pieces: int = 0
    detail: dict[str, object] = field(default_factory=dict)


class Agent:
    """Answers questions; knows neither Wyoming nor HTTP."""

    def __init__(
        self,
        settings: ConversationSettings,
        models: Sequence[ChatModel],
        access: WorkerAccess,
        memory: ConversationMemory,
        house: str,
    ) -> None:
        self._settings = settings
        self._models = list(models)
        self._access = access
        self._memory = memory
        self._house = house

    async def answer(
        self, question: str, conversation_id: str, language: str, thought: Thought
    ) -> AsyncGenerator[str, None]:
        """Yield the answer piece by piece and remember the turn once it is complete.

        A turn that is cancelled or fails leaves no trace in memory: nobody heard it. Raises WorkerUnavailable, Busy or
        WorkerFailed.
        """
        whole = ""
        with await self._ask(question, conversation_id, language, thought) as use:
            async with (
                contextlib.aclosing(use.opened) as raw,
                contextlib.aclosing(as_answer(raw, language)) as pieces,
            ):
                async for piece in pieces:
                    whole += piece
                    thought.pieces += 1
                    yield piece
                    if has_clause(whole):  # there is something to speak: the rest may be slower than other work
                        use.set_urgency(Urgency.LATER)
        if whole.strip():
            self._memory.remember(conversation_id, question, whole.strip())

    async def warm_up(self, languages: Sequence[str]) -> None:
        """Let the first model read each language's persona: the first question then finds its prompt in the cache.

        Raises WorkerUnavailable, Busy or WorkerFailed.
        """

        async def read(model: ChatModel) -> Answer:
            return await model.open(messages, max_tokens=1, temperature=0, urgency=Urgency.BACKGROUND)

        for language in languages:
            messages = [Message("system", self._persona(language)), Message("user", "hi")]
            with await self._access.open(self._models[:1], read, urgency=Urgency.BACKGROUND) as use:
                async with contextlib.aclosing(use.opened) as pieces:
                    async for _ in pieces:
                        pass

    async def _ask(
        self, question: str, conversation_id: str, language: str, thought: Thought
    ) -> Use[ChatModel, Answer]:
        """Return the answer of the best model that gives one, whose first piece is here."""
        persona_message = Message("system", self._persona(language))
        while True:
            earlier = self._memory.recall(conversation_id)
            messages = [persona_message, *earlier, Message("user", question)]
            try:
                return await self._open(messages, thought)
            except ContextTooLong:
                if not earlier:
                    raise
                self._memory.forget_older_half(conversation_id)
                thought.detail["forgotten"] = True

    async def _open(self, messages: list[Message], thought: Thought) -> Use[ChatModel, Answer]:
        settings = self._settings

        async def ask(model: ChatModel) -> Answer:
            return await model.open(messages, max_tokens=settings.max_answer_tokens, temperature=settings.temperature)

        use = await self._access.open(self._models, ask, urgency=Urgency.FIRST, patience_s=PATIENCE_S)
        thought.worker, thought.degraded = use.rung.name, use.degraded
        return use

    def _persona(self, language: str) -> str:
        return persona(self._settings.persona, language).replace("{house}", self._house)


def persona(personas: Mapping[str, str], language: str) -> str:
    """Return the persona of a language: the exact tag, else its bare language, else the first one given."""
    tag = _tag(language)
    exact = (text for key, text in personas.items() if _tag(key) == tag)
    related = (text for key, text in personas.items() if _tag(key).split("-")[0] == tag.split("-")[0])
    return next(exact, None) or next(related, None) or next(iter(personas.values()))


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()
