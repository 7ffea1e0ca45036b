"""Asking the models of the ladder: the best one that can be had, with what fits into its window."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from avatar_appliance.config.settings import ConversationSettings
from avatar_appliance.leases import Urgency
from wyoming_servers.backends.chat_message import Message
from wyoming_servers.backends.chat_model import Answer, ChatModel, ContextTooLong, ToolChoice
from wyoming_servers.backends.use import Use
from wyoming_servers.backends.worker_access import WorkerAccess

from .context_window import newest_turns, tokens_of
from .house_tools import ToolOffer
from .memory import ConversationMemory
from .prompt import PromptMaker, Request
from .question import Question
from .thought import Thought

# How long the best model is waited for before a lesser one answers.
PATIENCE_S = 1.5
# Beside the words of an answer: several tool calls in one answer are long.
TOOL_CALL_TOKENS: Final = 400


@dataclass(frozen=True, slots=True)
class Wish:
    """How a model shall answer; what is left out is up to the settings."""

    tool_choice: ToolChoice = "auto"
    most_tokens: int | None = None
    temperature: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request."""


class Asking:
    """Holds the ladder; shortens what is too long for a model."""

    def __init__(
        self,
        settings: ConversationSettings,
        models: Sequence[ChatModel],
        access: WorkerAccess,
        memory: ConversationMemory,
        prompts: PromptMaker,
    ) -> None:
        self._settings = settings
        self._models = list(models)
        self._access = access
        self._memory = memory
        self._prompts = prompts

    async def ask(
        self, question: Question, asked: Sequence[Message], offer: ToolOffer, wish: Wish, thought: Thought
    ) -> Use[ChatModel, Answer]:
        """Return the answer of the best model that gives one, whose first piece is here.

        `asked` is the question and what was done for it so far. Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        given = question.earlier
        while True:
            earlier = self._memory.recall(question.conversation_id) if given is None else given
            summary = self._memory.summary(question.conversation_id) if given is None else None

            async def open_model(
                model: ChatModel, earlier: Sequence[Message] = earlier, summary: str | None = summary
            ) -> Answer:
                request = self._request(model, question, asked, earlier, offer, summary)
                thought.dropped_messages = request.dropped
                if request.dropped:
                    thought.detail["dropped_messages"] = request.dropped
                return await self._open(model, request, wish)

            try:
                use = await self._access.open(self._models, open_model, urgency=Urgency.FIRST, patience_s=PATIENCE_S)
            except ContextTooLong:
                if not earlier and summary is None:
                    raise
                thought.detail["forgotten"] = True
                if given is None:
                    self._memory.forget_older_half(question.conversation_id)
                else:
                    given = tuple(newest_turns(given, tokens_of(given) // 2))
            else:
                thought.worker, thought.degraded = use.rung.name, use.degraded
                return use

    async def read(self, question: Question, offer: ToolOffer) -> None:
        """Let the first model read the prompt of a question, for its prefix cache; raises as `ask` does."""

        async def open_model(model: ChatModel) -> Answer:
            request = self._request(model, question, [Message("user", question.text)], (), offer)
            return await model.open(
                request.messages, max_tokens=1, temperature=0, urgency=Urgency.BACKGROUND, tools=request.tools
            )

        with await self._access.open(self._models[:1], open_model, urgency=Urgency.BACKGROUND) as use:
            async with contextlib.aclosing(use.opened) as pieces:
                async for _ in pieces:
                    pass

    async def condense(self, worker: str, messages: Sequence[Message], most_tokens: int) -> str:
        """Return what a model makes of messages, at the lowest urgency; raises as `ask` does.

        `worker` is the one that answered last: it is up, and no other is brought up for this.
        """

        async def open_model(model: ChatModel) -> Answer:
            return await model.open(messages, max_tokens=most_tokens, temperature=0, urgency=Urgency.BACKGROUND)

        rungs = [model for model in self._models if model.name == worker]
        with await self._access.open(rungs, open_model, urgency=Urgency.BACKGROUND) as use:
            async with contextlib.aclosing(use.opened) as pieces:
                return "".join([piece async for piece in pieces])

    def window_of(self, worker: str) -> int | None:
        """Return a worker's context window in tokens; None where nobody says."""
        return next((model.context_tokens for model in self._models if model.name == worker), None)

    async def _open(self, model: ChatModel, request: Request, wish: Wish) -> Answer:
        most = self._settings.max_answer_tokens + (TOOL_CALL_TOKENS if request.tools else 0)
        return await model.open(
            request.messages,
            max_tokens=min(most, wish.most_tokens or most),
            temperature=self._settings.temperature if wish.temperature is None else wish.temperature,
            tools=request.tools,
            tool_choice=wish.tool_choice,
            options=wish.options,
        )

    def _request(
        self,
        model: ChatModel,
        question: Question,
        asked: Sequence[Message],
        earlier: Sequence[Message],
        offer: ToolOffer,
        summary: str | None = None,
    ) -> Request:
        tool_tokens = TOOL_CALL_TOKENS if model.takes_tools and offer.all else 0
        return self._prompts.request(
            question,
            asked,
            earlier,
            offer,
            summary=summary,
            window_tokens=model.context_tokens,
            answer_tokens=self._settings.max_answer_tokens + tool_tokens,
            takes_tools=model.takes_tools,
        )
