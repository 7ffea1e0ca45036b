"""A model that may act: ask, carry out what it wants, ask again with the results, until it answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from avatar_appliance.leases import Urgency
from avatar_appliance.leases.lease import Lease
from wyoming_servers.backends.chat_message import Message, ToolCall

from .answer_text import as_answer, has_clause
from .asking import Asking, Wish
from .house_tools import HandedBack, HouseMind, ToolAnswer, ToolOffer
from .person_memory import PersonMemory
from .question import Question
from .sentences import sentence
from .text_calls import TextCalls
from .thought import Thought
from .unresolved import Unresolved


class ActLoop:
    """One question on its way; used once.

    Bounded in rounds and time: after the last one the model has to answer with what it knows.
    """

    def __init__(
        self,
        asking: Asking,
        house: HouseMind | None,
        person: PersonMemory | None,
        question: Question,
        asked: Message,
        offer: ToolOffer,
        thought: Thought,
        *,
        wish: Wish,
        rounds: int,
        time_s: float,
    ) -> None:
        """`asked` is the question as the model sees it; `rounds` and `time_s` are how often and how long it may act.

        `wish` says how to answer; whether to act is not up to it.
        """
        self._asking = asking
        self._house = house
        self._person = person
        self._question = question
        self._asked = [asked]
        self._offer = offer
        self._thought = thought
        self._wish = wish
        self._rounds_left = rounds
        self._deadline_s = asyncio.get_running_loop().time() + time_s
        self._failures = Unresolved()
        self._acted = False
        self._lease: Lease | None = None

    async def pieces(self) -> AsyncGenerator[str | HandedBack, None]:
        """Yield text, or at the end intents for the client. Raises WorkerUnavailable, Busy or WorkerFailed."""
        try:
            while True:
                may_act = self._may_act
                calls = TextCalls(active=bool(self._offer.all))
                said = ""
                self._release()  # for a moment: the same worker is asked for again
                # The tools stay in the prompt, which is the same then: only the use of them is over.
                wish = replace(self._wish, tool_choice="auto" if may_act else "none")
                with await self._asking.ask(self._question, self._asked, self._offer, wish, self._thought) as use:
                    async with (
                        contextlib.aclosing(use.opened) as raw,
                        contextlib.aclosing(as_answer(raw, self._question.language, calls)) as pieces,
                    ):
                        async for piece in pieces:
                            said += piece
                            if self._only_failed:
                                continue  # about what failed, which it may gloss over: that is said in our words
                            yield piece
                            if has_clause(said):  # there is something to speak: the rest may be slower than other work
                                use.set_urgency(Urgency.LATER)
                    self._thought.note_usage(use.opened.usage)
                    self._thought.finish_reason = use.opened.finish_reason
                    wanted = use.opened.tool_calls or calls.calls
                    acts = bool(wanted) and may_act and use.rung.takes_tools
                    if acts:
                        self._lease = use.keep()  # it is needed again once this is carried out
                if not acts:
                    break
                result = await self._carry_out(wanted)
                if isinstance(result, HandedBack):
                    yield result
                    return
                self._take_results(said, wanted, result)
            if owed := self._owed(said):
                yield owed
        finally:
            self._release()

    @property
    def _may_act(self) -> bool:
        in_time = asyncio.get_running_loop().time() < self._deadline_s
        return bool(self._offer.all) and self._rounds_left > 0 and in_time

    @property
    def _only_failed(self) -> bool:
        return bool(self._failures.apologies) and not self._failures.changed

    async def _carry_out(self, wanted: Sequence[ToolCall]) -> list[ToolAnswer] | HandedBack:
        self._rounds_left -= 1
        self._acted = True
        rounds = self._thought.detail.get("tool_rounds", 0)
        self._thought.detail["tool_rounds"] = 1 + (rounds if isinstance(rounds, int) else 0)
        own = [call for call in wanted if self._person is not None and self._person.owns(call)]
        others = [call for call in wanted if call not in own]
        answers: list[ToolAnswer] = []
        for call in own:
            assert self._person is not None
            answers.append(await self._person.carry_out(call, self._question, self._thought))
        if not others:
            return answers
        if self._house is None:
            return answers + [ToolAnswer(call, "FAILED. There is no such tool.") for call in others]
        done = await self._house.carry_out(others, self._question, self._offer, self._thought)
        return done if isinstance(done, HandedBack) else answers + done

    def _take_results(self, said: str, wanted: Sequence[ToolCall], answers: Sequence[ToolAnswer]) -> None:
        self._failures.note(answers)
        self._asked.append(Message("assistant", said, tuple(wanted)))
        self._asked += [Message("tool", answer.text, tool_call_id=answer.call.id) for answer in answers]

    def _owed(self, said: str) -> str:
        """Return what must still be said: failures that the model may have glossed over, or anything at all."""
        language = self._question.language
        if not self._failures.apologies:
            if self._acted and not said.strip():
                return sentence("done" if self._failures.changed else "no-answer", language)
            return ""
        space = "" if language.lower().startswith(("zh", "cmn", "yue")) else " "
        admitted = space.join(self._failures.apologies)
        return f"{space}{admitted}" if self._failures.changed and said.strip() else admitted

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.release()
            self._lease = None
