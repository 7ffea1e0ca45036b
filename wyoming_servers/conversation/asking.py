"""Asking the models of the ladder: the best one that can be had, with what fits into its window."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from avatar_appliance.config.settings import ConversationSettings
from avatar_appliance.leases import Urgency
from wyoming_servers.backends.chat_message import Message
from wyoming_servers.backends.chat_model import Answer, ChatModel, ContextTooLong, ToolChoice
from wyoming_servers.backends.use import Use
from wyoming_servers.backends.worker_access import WorkerAccess

from .client_histories import ClientHistories, first_turn
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

    @property
    def has_form(self) -> bool:
        """Whether the answer shall be JSON: then it is for a program, and all of it is the model's."""
        form = self.options.get("response_format")
        return isinstance(form, Mapping) and form.get("type") not in (None, "text")


class Asking:
    """Holds the ladder; shortens what is too long for a model."""

    def __init__(
        self,
        settings: ConversationSettings,
        models: Sequence[ChatModel],
        access: WorkerAccess,
        memory: ConversationMemory,
        prompts: PromptMaker,
        histories: ClientHistories,
    ) -> None:
        self._settings = settings
        self._models = list(models)
        self._access = access
        self._memory = memory
        self._prompts = prompts
        self._histories = histories

    async def ask(
        self, question: Question, asked: Sequence[Message], offer: ToolOffer, wish: Wish, thought: Thought
    ) -> Use[ChatModel, Answer]:
        """Return the answer of the best model that gives one, whose first piece is here.

        `asked` is the question and what was done for it so far. Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        given = None if question.earlier is None else self._histories.visible(question)
        least_cut = 0
        while True:
            earlier = self._memory.recall(question.conversation_id) if given is None else given[least_cut:]
            summary = self._memory.summary(question.conversation_id) if given is None else None

            async def open_model(
                model: ChatModel,
                earlier: Sequence[Message] = earlier,
                summary: str | None = summary,
                least_cut: int = least_cut,
            ) -> Answer:
                if given is None:
                    request = self._request(model, question, asked, earlier, offer, summary)
                    thought.dropped_messages = request.dropped
                else:
                    request = self._request_with_history(model, question, asked, given, offer, least_cut, thought)
                if thought.dropped_messages:
                    thought.detail["dropped_messages"] = thought.dropped_messages
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
                    shown = given[thought.cut :]
                    least_cut = len(given) - len(newest_turns(shown, tokens_of(shown) // 2))
            else:
                thought.worker, thought.degraded = use.rung.name, use.degraded
                return use

    async def read(self, question: Question, offer: ToolOffer, worker: str | None = None) -> None:
        """Let a model (the first by default) read the prompt of a question, for its prefix cache; raises as `ask` does.

        The question itself and what is said before it in the same conversation are read, too.
        """
        worker = worker or self._models[0].name

        async def open_model(model: ChatModel) -> Answer:
            asked = [Message("user", question.text)]
            if question.earlier is not None:
                history = self._histories.visible(question)
                request = self._request_with_history(model, question, asked, history, offer, 0, Thought())
            else:
                earlier = self._memory.recall(question.conversation_id)
                summary = self._memory.summary(question.conversation_id)
                request = self._request(model, question, asked, earlier, offer, summary)
            return await model.open(
                request.messages, max_tokens=1, temperature=0, urgency=Urgency.BACKGROUND, tools=request.tools
            )

        await self._in_background(worker, open_model)

    async def condense(self, worker: str, messages: Sequence[Message], most_tokens: int) -> str:
        """Return what a model makes of messages, at the lowest urgency; raises as `ask` does.

        `worker` is the one that answered last: it is up, and no other is brought up for this.
        """

        async def open_model(model: ChatModel) -> Answer:
            return await model.open(messages, max_tokens=most_tokens, temperature=0, urgency=Urgency.BACKGROUND)

        return await self._in_background(worker, open_model)

    async def _in_background(self, worker: str, open_model: Callable[[ChatModel], Awaitable[Answer]]) -> str:
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

    def _request_with_history(
        self,
        model: ChatModel,
        question: Question,
        asked: Sequence[Message],
        history: Sequence[Message],
        offer: ToolOffer,
        least_cut: int,
        thought: Thought,
    ) -> Request:
        """Return a request with a client's history: whole where it fits, else what is told of it and the rest.

        At least `least_cut` messages of its beginning are left out.
        """
        cut = max(first_turn(history), least_cut)
        if not least_cut and model.context_tokens is not None:
            request = self._request(model, question, asked, history[cut:], offer)
            if not request.dropped:
                thought.cut = thought.dropped_messages = 0
                return request
        told = self._histories.told(question, history) if cut < len(history) else None
        if told is not None:
            cut = max(cut, told.messages)
        summary, is_cut = told.summary if told else None, cut > first_turn(history)
        request = self._request(model, question, asked, history[cut:], offer, summary, is_cut=is_cut)
        thought.cut = cut + request.dropped
        thought.dropped_messages = thought.cut - (told.messages if told else first_turn(history))
        return request

    def _request(
        self,
        model: ChatModel,
        question: Question,
        asked: Sequence[Message],
        earlier: Sequence[Message],
        offer: ToolOffer,
        summary: str | None = None,
        *,
        is_cut: bool = False,
    ) -> Request:
        tool_tokens = TOOL_CALL_TOKENS if model.takes_tools and offer.all else 0
        return self._prompts.request(
            question,
            asked,
            earlier,
            offer,
            summary=summary,
            is_cut=is_cut,
            window_tokens=model.context_tokens,
            answer_tokens=self._settings.max_answer_tokens + tool_tokens,
            takes_tools=model.takes_tools,
        )
