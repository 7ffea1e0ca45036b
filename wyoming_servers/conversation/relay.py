"""A model between us and a client that carries out tools of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Final

from avatar_appliance.leases import Urgency
from wyoming_servers.backends.chat_message import Message, ToolCall

from .answer_text import as_answer, has_clause
from .asking import Asking, Wish
from .house_tools import ToolOffer
from .person_memory import PersonMemory
from .question import Question
from .text_calls import TextCalls
from .thought import Thought

# How often a model may look into its own memory before it has to answer.
MOST_ROUNDS: Final = 2


class Relay:
    """One question on its way; used once. The model's calls go to the client, but for those about our own memory."""

    def __init__(
        self,
        asking: Asking,
        person: PersonMemory | None,
        question: Question,
        asked: Sequence[Message],
        offer: ToolOffer,
        wish: Wish,
        thought: Thought,
    ) -> None:
        """`asked` is the question as the model sees it, and what the client did for it so far."""
        self._asking = asking
        self._person = person
        self._question = question
        self._asked = list(asked)
        self._offer = offer
        self._wish = wish
        self._thought = thought

    async def pieces(self) -> AsyncGenerator[str | ToolCall, None]:
        """Yield text and then calls for the client. Raises WorkerUnavailable, Busy or WorkerFailed."""
        thought, wish = self._thought, self._wish
        said = ""
        for round_number in range(MOST_ROUNDS + 1):
            if round_number == MOST_ROUNDS:
                wish = replace(wish, tool_choice="none")
            whole = ""
            active = bool(self._offer.all) and wish.tool_choice != "none" and not wish.has_form
            calls = TextCalls(active=active)
            with await self._asking.ask(self._question, self._asked, self._offer, wish, thought) as use:
                async with (
                    contextlib.aclosing(use.opened) as raw,
                    contextlib.aclosing(as_answer(raw, self._question.language, calls)) as pieces,
                ):
                    async for piece in pieces:
                        whole += piece
                        yield piece
                        if has_clause(said + whole):
                            use.set_urgency(Urgency.LATER)
                thought.note_usage(use.opened.usage)
                thought.finish_reason = use.opened.finish_reason
                wanted = (use.opened.tool_calls or calls.calls) if use.rung.takes_tools else ()
            said += whole
            own = [call for call in wanted if self._person is not None and self._person.owns(call)]
            others = [call for call in wanted if call not in own]
            self._asked.append(Message("assistant", whole, tuple(own)))
            for call in own:
                assert self._person is not None
                answer = await self._person.carry_out(call, self._question, thought)
                self._asked.append(Message("tool", answer.text, tool_call_id=call.id))
            for call in others:
                yield call
            if others or not own:
                return
