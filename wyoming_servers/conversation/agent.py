"""From a question to a streamed answer: prompt, memory, ladder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from avatar_appliance.config.settings import ConversationSettings
from avatar_appliance.errors import WorkerUnavailable
from wyoming_servers.backends.chat_model import Answer, ChatModel, ContextTooLong, Message
from wyoming_servers.backends.ladder import climb_down

from .answer_text import as_answer
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
        self, settings: ConversationSettings, models: Sequence[ChatModel], memory: ConversationMemory, house: str
    ) -> None:
        self._settings = settings
        self._models = list(models)
        self._memory = memory
        self._house = house

    async def answer(
        self, question: str, conversation_id: str, language: str, thought: Thought
    ) -> AsyncGenerator[str, None]:
        """Yield the answer piece by piece and remember the turn once it is complete.

        A turn that is cancelled or fails leaves no trace in memory: nobody heard it. Raises WorkerUnavailable,
        WorkerBusy or WorkerFailed.
        """
        whole = ""
        async with (
            contextlib.aclosing(await self._ask(question, conversation_id, language, thought)) as raw,
            contextlib.aclosing(as_answer(raw, language)) as pieces,
        ):
            async for piece in pieces:
                whole += piece
                thought.pieces += 1
                yield piece
        if whole.strip():
            self._memory.remember(conversation_id, question, whole.strip())

    async def warm_up(self, languages: Sequence[str]) -> None:
        """Let the first model read each language's persona: the first question then finds its prompt in the cache."""
        for language in languages:
            with contextlib.suppress(WorkerUnavailable):
                messages = [Message("system", self._persona(language)), Message("user", "hi")]
                model = self._models[0]
                async with contextlib.aclosing(model.stream(messages, max_tokens=1, temperature=0)) as pieces:
                    async for _ in pieces:
                        pass

    async def _ask(self, question: str, conversation_id: str, language: str, thought: Thought) -> Answer:
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

    async def _open(self, messages: list[Message], thought: Thought) -> Answer:
        settings = self._settings

        async def ask(model: ChatModel) -> Answer:
            return await model.open(messages, max_tokens=settings.max_answer_tokens, temperature=settings.temperature)

        step = await climb_down(self._models, ask, patience_s=PATIENCE_S)
        thought.worker, thought.degraded = step.rung.name, step.degraded
        return step.opened

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
