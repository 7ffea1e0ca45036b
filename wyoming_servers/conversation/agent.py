"""From a question to a streamed answer: plain commands at once, else the model, which may act and look again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

from avatar_appliance.config.settings import ConversationSettings
from avatar_appliance.leases import Urgency
from wyoming_servers.backends.chat_message import Message, ToolCall
from wyoming_servers.backends.chat_model import ChatModel
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.house.asker import Asker

from .act_loop import ActLoop
from .answer_text import as_answer, has_clause
from .asking import Asking, Wish
from .client_calls import client_calls
from .house_tools import HandedBack, HouseMind, Spoken, ToolOffer
from .memory import ConversationMemory
from .prompt import PromptMaker
from .question import Question
from .text_calls import TextCalls
from .thought import Thought


class Agent:
    """Answers questions; knows neither Wyoming nor HTTP."""

    def __init__(
        self,
        settings: ConversationSettings,
        models: Sequence[ChatModel],
        access: WorkerAccess,
        memory: ConversationMemory,
        house_name: str,
        house: HouseMind | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        """`house`: what it can control; None: it only talks."""
        self._settings = settings
        self._memory = memory
        self._house = house
        self._prompts = PromptMaker(settings.persona, house_name, house)
        self._asking = Asking(settings, models, access, memory, self._prompts)
        self._now = now

    @property
    def controls_house(self) -> bool:
        """Whether commands for the house have any effect."""
        return self._house is not None

    @property
    def prompt_version(self) -> object:
        """Another object whenever a new `warm_up` is worth while."""
        return None if self._house is None else self._house.version

    async def answer(self, question: Question, thought: Thought) -> AsyncGenerator[str | HandedBack, None]:
        """Yield the answer piece by piece (or intents for the client, and then nothing else).

        The turn is remembered once it is complete: one that is cancelled or fails leaves no trace in memory, nobody
        heard it. Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        quick = await self._house.quick_answer(question, thought) if self._house is not None else None
        if quick is not None:
            async for piece in self._given(question, Message("user", question.text), quick):
                yield piece
            return
        offer = ToolOffer() if self._house is None else await self._house.offer(question)
        if offer.trouble is not None:
            thought.detail["no_tools"] = offer.trouble
        asked = Message("user", self._prompts.noted(question, offer, self._now()))
        rounds, time_s = self._settings.max_tool_rounds, self._settings.tool_time_s
        loop = ActLoop(self._asking, self._house, question, asked, offer, thought, rounds=rounds, time_s=time_s)
        whole = ""
        async with contextlib.aclosing(loop.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, HandedBack):
                    async for intents in self._given(question, asked, piece):
                        yield intents
                    return
                whole += piece
                thought.pieces += 1
                yield piece
        self._remember(question, asked, whole)

    async def relay(
        self, question: Question, asked: Sequence[Message], offer: ToolOffer, wish: Wish, thought: Thought
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Yield text and then the model's tool calls, for a client that carries out tools of its own.

        `asked` is the question and what the client did for it so far. Plain commands never get to the model.
        Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        quick = await self._quick_for_client(question, asked, offer, thought)
        if isinstance(quick, Spoken):
            yield quick.text
            self._remember(question, asked[0], quick.text)
            return
        if quick is not None:
            for call in quick:
                yield call
            return
        whole = ""
        calls = TextCalls(active=bool(offer.tools) and wish.tool_choice != "none")
        with await self._asking.ask(question, asked, offer, wish, thought) as use:
            async with (
                contextlib.aclosing(use.opened) as raw,
                contextlib.aclosing(as_answer(raw, question.language, calls)) as pieces,
            ):
                async for piece in pieces:
                    whole += piece
                    thought.pieces += 1
                    yield piece
                    if has_clause(whole):
                        use.set_urgency(Urgency.LATER)
            thought.note_usage(use.opened.usage)
            thought.finish_reason = use.opened.finish_reason
            wanted = (use.opened.tool_calls or calls.calls) if use.rung.takes_tools else ()
        for call in wanted:
            yield call
        if not wanted:
            self._remember(question, asked[0], whole)

    async def warm_up(self, languages: Sequence[str]) -> None:
        """Let the first model read each language's prefix: the first question then finds its prompt in the cache.

        Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        for language in languages:
            question = Question("hi", "", Asker(language), earlier=())
            offer = ToolOffer() if self._house is None else await self._house.offer(question)
            await self._asking.read(question, offer)

    async def _quick_for_client(
        self, question: Question, asked: Sequence[Message], offer: ToolOffer, thought: Thought
    ) -> Spoken | list[ToolCall] | None:
        """Answer a plain command of a client with tools of its own, or call those; None: it is the model's."""
        if self._house is None or len(asked) != 1:
            return None
        quick = await self._house.quick_answer(question, thought)
        return client_calls(quick.calls, offer.tools) if isinstance(quick, HandedBack) else quick

    async def _given(
        self, question: Question, asked: Message, answer: Spoken | HandedBack
    ) -> AsyncGenerator[str | HandedBack, None]:
        if isinstance(answer, Spoken):
            yield answer.text
            self._remember(question, asked, answer.text)
            return
        # Remembered first: whoever carries intents out hangs up on us. What comes of them is not heard here.
        done = [{call.intent: {k: slot.spoken for k, slot in call.slots.items()}} for call in answer.calls]
        self._remember(question, asked, f"({json.dumps(done, ensure_ascii=False)})")
        yield answer

    def _remember(self, question: Question, asked: Message, answer: str) -> None:
        if answer.strip() and question.conversation_id:
            self._memory.remember(question.conversation_id, asked.content, answer.strip())
