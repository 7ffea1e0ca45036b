"""Plain commands and questions understood and carried out without a model, and answers to what we asked back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from wyoming_servers.house.acting.failure_sentences import failure_sentence
from wyoming_servers.house.acting.intent_call import IntentCall
from wyoming_servers.house.acting.intent_table import INTENTS, Handler
from wyoming_servers.house.acting.outcome import Outcome
from wyoming_servers.house.errors import HomeAssistantTimeout
from wyoming_servers.house.house import House

from .choice import chosen
from .fast_path import Recognised
from .fast_path.question import question_for
from .house_tools import HandedBack, Spoken
from .open_questions import OpenQuestion, OpenQuestions
from .prepared_fast_path import PreparedFastPath
from .question import Question
from .sentences import sentence
from .thought import Thought

# What a fast command may take, beyond the limit of the call itself.
CARRY_OUT_SLACK_S: Final = 5.0


class PlainCommands:
    """The deterministic path, with or without a token."""

    def __init__(self, house: House, fast_path: PreparedFastPath, timeout_s: float, *, model_acts: bool = True) -> None:
        """`timeout_s`: what one call to Home Assistant may take; `model_acts`: whether a model may do the rest."""
        self._house = house
        self._fast_path = fast_path
        self._timeout_s = timeout_s
        self._model_acts = model_acts
        self._open = OpenQuestions(clock=lambda: asyncio.get_running_loop().time())

    async def answer(self, question: Question, thought: Thought) -> Spoken | HandedBack | None:
        """Understand and carry out a plain command or question; None: it is for the model."""
        asked = self._open.take(question)
        # "The bedroom one" can also be read as a command (brightness 1): what we asked is answered first.
        if asked is not None and (quick := await self._replied(asked, question, thought, guess=False)) is not None:
            return quick
        found = self._fast_path.understand(question.text, question.asker)
        if isinstance(found, tuple):
            return await self._carried_out(found, question, thought)
        if asked is not None and (quick := await self._replied(asked, question, thought, guess=True)) is not None:
            return quick
        if found is None and not self._model_acts:  # it would say that it is done
            found = self._fast_path.unclear(question.text, question.asker)
        if found is None:
            return None
        thought.detail["fast_path"] = f"unsure: {found.doubt.value}"
        self._open.ask(question, found)
        return Spoken(question_for(found))

    async def _replied(
        self, asked: OpenQuestion, question: Question, thought: Thought, *, guess: bool
    ) -> Spoken | HandedBack | None:
        """Carry out the command that was asked about, if this is the answer."""
        meant = chosen(question.text, asked.unsure.suggestions, guess=guess)
        if meant is None:
            return None
        if not meant:
            thought.detail["fast_path"] = "asked: none"
            return Spoken(sentence("none-meant", question.language))
        layout = self._house.household.household().layout
        commands = [asked.as_meant(one, self._fast_path, layout) for one in meant]
        clear = [command for command in commands if command is not None]
        return await self._carried_out(clear, question, thought) if len(clear) == len(commands) else None

    async def _carried_out(
        self, commands: Sequence[Recognised], question: Question, thought: Thought
    ) -> Spoken | HandedBack | None:
        if repairs := sum(len(command.repairs) for command in commands):
            thought.detail["repaired_names"] = repairs
        calls = [command.call for command in commands]
        intents = ", ".join(call.intent for call in calls)
        if self._house.executor is None:
            if all(map(_is_nothing, calls)):
                thought.nothing_to_say = True
                return Spoken("")
            if not question.takes_intents:
                return None
            thought.detail["fast_path"] = f"intent: {intents}"
            return HandedBack(tuple(calls))
        if question.has_own_tools and not all(map(_is_for_any_asker, calls)):
            return None  # a timer belongs to the device, which only the client knows
        thought.detail["fast_path"] = intents
        outcomes = [await self._outcome(call, question, thought) for call in calls]
        failed = [outcome for outcome in outcomes if not outcome.done and not outcome.changed]
        if len(failed) == len(outcomes):
            thought.error_code = failed[0].code
        space = "" if question.language.lower().startswith(("zh", "cmn", "yue")) else " "
        # Two lamps are two times "Turned on the light": once is enough.
        speech = space.join(dict.fromkeys(_ended(outcome.speech, len(outcomes)) for outcome in outcomes)).strip()
        thought.nothing_to_say = not speech
        return Spoken(speech)

    async def _outcome(self, call: IntentCall, question: Question, thought: Thought) -> Outcome:
        assert self._house.executor is not None
        with thought.acting(intent=call.intent) as part:
            try:
                async with asyncio.timeout(2 * self._timeout_s + CARRY_OUT_SLACK_S):
                    outcome = await self._house.executor.carry_out(call, question.asker)
            except TimeoutError:  # it broke its word
                code = HomeAssistantTimeout.code
                outcome = Outcome(failure_sentence(code, question.language), done=False, code=code)
            part |= {"done": outcome.done, "code": outcome.code, **outcome.details}
        return outcome


def _ended(speech: str, of: int) -> str:
    """Return one of several sentences with its full stop; a single one is left as it is."""
    if of == 1 or not speech or speech[-1] in ".!?。！？":
        return speech
    return speech + ("。" if not speech.isascii() else ".")


def _is_nothing(call: IntentCall) -> bool:
    rule = INTENTS.get(call.intent)
    return rule is not None and rule.handler is Handler.NOBODY


def _is_for_any_asker(call: IntentCall) -> bool:
    rule = INTENTS.get(call.intent)
    return bool(call.targets) or (rule is not None and rule.handler is not Handler.HOME_ASSISTANT)
