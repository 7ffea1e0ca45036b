"""From a question to a streamed answer: plain commands at once, else the model, which may act and look again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

from avatar_appliance.config.settings import ConversationSettings
from avatar_appliance.facts.client import FactsClient
from wyoming_servers.ahead import HandOver
from wyoming_servers.backends.chat_message import Message, ToolCall
from wyoming_servers.backends.chat_model import ChatModel
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.house.asker import Asker
from wyoming_servers.own_voice.questions import AskedQuestions

from .act_loop import ActLoop
from .asking import Asking, Wish
from .barge_in import BargeIn
from .client_calls import client_calls
from .client_histories import ClientHistories
from .house_tools import HandedBack, HouseMind, Spoken, ToolOffer
from .memory import ConversationMemory
from .memory_phrases import memory_phrase
from .person_memory import PersonMemory
from .preparing import Prepared, Preparing
from .prompt import PromptMaker
from .question import Question
from .relay import Relay
from .rules import Rules
from .running_answers import RunningAnswer, RunningAnswers
from .stop_phrases import is_stop
from .summaries import Summaries
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
        facts: FactsClient | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        """`house`: what it can control; None: it only talks. `facts`: who keeps what people want remembered."""
        self._settings = settings
        self._memory = memory
        self._house = house
        rules = Rules(settings.prompts)
        prompts = PromptMaker(settings.persona, rules, house_name, house)
        self._histories = histories = ClientHistories(
            ttl_s=settings.history_ttl_s, conversations=settings.max_conversations, clock=time.monotonic
        )
        self._asking = Asking(settings, models, access, memory, prompts, histories)
        condenses = settings.summarise and settings.history_turns > 0
        self._summaries = Summaries(self._asking, memory, histories, rules, enabled=condenses)
        self._person = None if facts is None else PersonMemory(settings.memory, facts, memory, histories)
        self._running = RunningAnswers()
        self._barge_in = BargeIn(self._running, memory, self._person, now=lambda: now().timestamp())
        self._preparing = Preparing(
            settings.memory, memory, house, self._person, prompts, self._barge_in, histories, now=now
        )
        self.hand_over: HandOver | None = None
        """Who speaks answers ahead of time."""
        self.asked: AskedQuestions | None = None
        """Who knows in which utterance a question was heard."""

    @property
    def controls_house(self) -> bool:
        """Whether commands for the house have any effect."""
        return self._house is not None

    @property
    def prompt_version(self) -> object:
        """Another object whenever a new `warm_up` is worth while."""
        return None if self._house is None else self._house.version

    def utterance_of(self, text: str, conversation_id: str) -> str | None:
        """Return the id of the utterance a question was heard in, where answers may be in the asker's own voice."""
        return None if self.asked is None else self.asked.utterance_of(text, conversation_id)

    async def aclose(self) -> None:
        """End what goes on in the background."""
        await self._summaries.aclose()

    async def answer(
        self, question: Question, thought: Thought, wish: Wish | None = None
    ) -> AsyncGenerator[str | HandedBack, None]:
        """Yield the answer piece by piece (or intents for the client, and then nothing else).

        What is remembered of a turn is what was yielded: of one that is broken off (hung up on, or stopped by a spoken
        "stop") the beginning, of one that fails nothing. Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        self._summaries.give_way()
        with self._preparing.recalling(question) as recalling:
            await asyncio.sleep(0)  # its request leaves before names are looked for
            quick = await self._quick(question, thought)
            prepared = None if quick is not None else await self._preparing.prepared(question, thought, recalling)
        if quick is not None:
            async for piece in self._given(question, quick):
                yield piece
            return
        assert prepared is not None
        offer, question = prepared.offer, prepared.question
        asked = Message("user", prepared.noted.shown)
        rounds, time_s = self._settings.max_tool_rounds, self._settings.tool_time_s
        loop = ActLoop(
            self._asking,
            self._house,
            self._person,
            question,
            asked,
            offer,
            thought,
            wish=wish or Wish(),
            rounds=rounds,
            time_s=time_s,
        )
        with self._running.running(question) as running:
            async with contextlib.aclosing(self._spoken(running, loop.pieces(), prepared, thought)) as pieces:
                async for part in pieces:
                    assert not isinstance(part, ToolCall), "this client has no tools of its own"
                    yield part

    async def relay(
        self, question: Question, asked: Sequence[Message], offer: ToolOffer, wish: Wish, thought: Thought
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Yield text and then the model's tool calls, for a client that carries out tools of its own.

        `asked` is the question and what the client did for it so far. Plain commands never get to the model.
        Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        self._summaries.give_way()
        with self._preparing.recalling(question) as recalling:
            await asyncio.sleep(0)
            free = wish.tool_choice == "auto" and not wish.has_form
            quick = await self._quick_for_client(question, asked, offer, thought) if free else None
            prepared = None
            if quick is None:
                prepared = await self._preparing.prepared(question, thought, recalling, offer, chooses=free)
        if isinstance(quick, Spoken):
            yield quick.text
            self._remember(question, question.text, quick.text)
            return
        if quick is not None:
            for call in quick:
                yield call
            return
        assert prepared is not None
        offer, question = prepared.offer, prepared.question
        asked = [Message("user", prepared.noted.shown), *asked[1:]]
        loop = Relay(self._asking, self._person, question, asked, offer, wish, thought)
        with self._running.running(question) as running:
            async with contextlib.aclosing(self._spoken(running, loop.pieces(), prepared, thought)) as pieces:
                async for piece in pieces:
                    assert not isinstance(piece, HandedBack), "this client takes calls"
                    yield piece

    async def warm_up(self, languages: Sequence[str]) -> None:
        """Let the first model read each language's prefix: the first question then finds its prompt in the cache.

        Raises WorkerUnavailable, Busy or WorkerFailed.
        """
        for language in languages:
            question = Question("hi", "", Asker(language), earlier=())
            await self._asking.read(question, await self._preparing.offer(question, ToolOffer()))

    # -- without the model -----------------------------------------------------------------------------------------

    async def _quick(self, question: Question, thought: Thought) -> Spoken | HandedBack | None:
        """Answer what needs no model; None: it is the model's."""
        quick = await self._at_once(question, thought)
        if quick is not None or self._house is None:
            return quick
        return await self._house.quick_answer(question, thought)

    async def _at_once(self, question: Question, thought: Thought) -> Spoken | None:
        """Do what is about the conversation itself: stop, remember, forget."""
        if is_stop(question.text):
            await self._barge_in.stop(question)
            thought.detail["fast_path"] = "stop"
            thought.nothing_to_say = True
            return Spoken("")
        if self._person is not None and (phrase := memory_phrase(question.text)) is not None:
            return await self._person.obey(phrase, question, thought)
        return None

    async def _quick_for_client(
        self, question: Question, asked: Sequence[Message], offer: ToolOffer, thought: Thought
    ) -> Spoken | list[ToolCall] | None:
        """Answer a plain command of a client with tools of its own, or call those; None: it is the model's."""
        if len(asked) != 1:
            return None
        quick = await self._quick(question, thought)
        return client_calls(quick.calls, offer.tools) if isinstance(quick, HandedBack) else quick

    # -- what was said ---------------------------------------------------------------------------------------------

    async def _spoken(
        self,
        running: RunningAnswer,
        pieces: AsyncGenerator[str | HandedBack | ToolCall, None],
        prepared: Prepared,
        thought: Thought,
    ) -> AsyncGenerator[str | HandedBack | ToolCall, None]:
        """Pass an answer on, and remember what of it was said."""
        question, noted = prepared.question, prepared.noted
        whole, keep, broken_off, calls = "", True, True, False
        try:
            async with contextlib.aclosing(pieces), contextlib.aclosing(running.through(pieces)) as passing:
                async for piece in passing:
                    if isinstance(piece, HandedBack):
                        keep = False
                        async for intents in self._given(question, piece, noted.kept):
                            yield intents
                        return
                    if isinstance(piece, str):
                        whole += piece
                        thought.pieces += 1
                    else:
                        keep, calls = False, True  # what comes of it is said in another request
                    yield piece
            broken_off = running.stopped
        except Exception:
            keep = False  # what went wrong is said instead
            raise
        finally:
            thought.stopped = running.stopped
            if keep:
                self._remember(question, noted.kept, whole, broken_off=broken_off)
        if not calls:  # the client asks again in a moment
            self._settle(prepared.question, prepared.offer, thought)

    def _settle(self, question: Question, offer: ToolOffer, thought: Thought) -> None:
        """After an answer: have condensed what no longer fits."""
        if question.earlier is not None:
            if thought.dropped_messages:
                self._summaries.consider_history(question, offer, thought.cut, thought.worker)
        elif question.conversation_id:
            if thought.dropped_messages and self._settings.summarise:
                self._memory.set_aside(question.conversation_id, thought.dropped_messages)
            self._summaries.consider(question, offer, thought.worker)

    async def _given(
        self, question: Question, answer: Spoken | HandedBack, asked: str | None = None
    ) -> AsyncGenerator[str | HandedBack, None]:
        asked = question.text if asked is None else asked
        if isinstance(answer, Spoken):
            yield answer.text
            self._remember(question, asked, answer.text)
            return
        # Remembered first: whoever carries intents out hangs up on us. What comes of them is not heard here.
        done = [{call.intent: {k: slot.spoken for k, slot in call.slots.items()}} for call in answer.calls]
        self._remember(question, asked, f"({json.dumps(done, ensure_ascii=False)})")
        yield answer

    def _remember(self, question: Question, asked: str, answer: str, *, broken_off: bool = False) -> None:
        if answer.strip() and question.conversation_id:
            self._memory.remember(
                question.conversation_id, asked, answer.strip(), origin=question.origin, broken_off=broken_off
            )
            if broken_off:
                self._histories.break_off(question, question.text, answer.strip())
