"""What the assistant remembers about the person it talks to, kept by the control plane."""

from __future__ import annotations

import logging
from typing import Final

from avatar_appliance.config.memory import MemorySettings
from avatar_appliance.errors import AvatarError
from avatar_appliance.facts import MAX_FACT_CHARS, Fact, LearnedBy, same_words
from avatar_appliance.facts.client import FactsClient
from avatar_appliance.facts.errors import MemoryAway
from avatar_appliance.facts.messages import MOST_FACTS, ForgetWanted, RecallWanted, RememberWanted
from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.house.tools import Tool

from .client_histories import ClientHistories
from .fact_choice import is_in_words_of
from .house_tools import Spoken, ToolAnswer
from .known import Known
from .memory import ConversationMemory, RememberedTurn
from .memory_phrases import ForgetAbout, ForgetEverything, ForgetLast, MemoryPhrase, Remember, WhatIsKnown
from .memory_sentences import about_facts, memory_words
from .prompt_texts import told_by
from .question import Question
from .thought import Thought

_LOGGER = logging.getLogger(__name__)

# A turn waits no longer than this for what is known: it goes on without.
RECALL_S: Final = 0.25
# The report of a stage takes its own way to the control plane: so long its turn is waited for there.
STAGE_WAIT_S: Final = 0.1

REMEMBER: Final = "remember_about_speaker"
FORGET: Final = "forget_about_speaker"

_TOOLS: Final = (
    Tool(
        REMEMBER,
        "Remember a lasting fact about the person who speaks. Only when they ask you to remember it.",
        {
            "type": "object",
            "properties": {"fact": {"type": "string", "description": "The fact, in the person's own words."}},
            "required": ["fact"],
        },
    ),
    Tool(
        FORGET,
        "Forget what you remember about the person who speaks. Only when they ask you to forget it.",
        {
            "type": "object",
            "properties": {"about": {"type": "string", "description": "A word of the fact to forget."}},
            "required": ["about"],
        },
    ),
)


class PersonMemory:
    """Facts of the person who speaks. Nothing is learned from, or told to, a person nobody recognised by default."""

    def __init__(
        self,
        settings: MemorySettings,
        client: FactsClient,
        conversations: ConversationMemory,
        histories: ClientHistories,
    ) -> None:
        self._settings = settings
        self._client = client
        self._conversations = conversations
        self._histories = histories

    @property
    def is_on(self) -> bool:
        """Whether facts are learned and used."""
        return self._settings.enabled

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What a model may do with it: the same for every question, so that a prompt begins as the one before."""
        return _TOOLS if self._settings.enabled and self._settings.model_may_remember else ()

    async def recall(self, question: Question, before: RememberedTurn | None) -> Known:
        """Return what is known before an answer; raises nothing and waits RECALL_S at most."""
        on = self._settings.enabled
        asked_before = before.origin if before is not None and not before.broken_off else None
        if not on and asked_before is None:
            return Known(question.speaker)
        wanted = RecallWanted(
            speaker=question.speaker,
            asking=question.origin if on and question.speaker is None else None,
            wait_s=STAGE_WAIT_S,
            before=asked_before,
            most=MOST_FACTS if on else 0,
            includes_unknown=self._settings.learn_from_unknown,
        )
        try:
            told = await self._client.recall(wanted, within_s=RECALL_S)
        except AvatarError as error:
            _LOGGER.debug("nothing is known about the speaker: %s", error.text)
            return Known(question.speaker, trouble=error.code)
        return Known(told.speaker, told.facts, told.spoken)

    # -- what people say -------------------------------------------------------------------------------------------

    async def obey(self, phrase: MemoryPhrase, question: Question, thought: Thought) -> Spoken:
        """Do what a phrase asks for, and say what was done; a failure is an answer."""
        thought.detail["fast_path"] = f"memory: {type(phrase).__name__}"
        language = question.language
        if not self._settings.enabled:
            return Spoken(memory_words("switched-off", language))
        known = await self.recall(question, None)
        if known.trouble is None and known.speaker is None and not self._settings.learn_from_unknown:
            return Spoken(memory_words("unknown-speaker", language))
        try:
            if known.trouble is not None:
                raise MemoryAway(known.trouble)
            return Spoken(await self._obey(phrase, question, known))
        except AvatarError as error:
            thought.error_code = known.trouble or error.code
            return Spoken(memory_words("memory-away", language))

    async def _obey(self, phrase: MemoryPhrase, question: Question, known: Known) -> str:
        language, facts = question.language, known.facts
        match phrase:
            case Remember(text):
                await self._remember(text, question, known, "phrase")
                return memory_words("remembered", language)
            case WhatIsKnown():
                if not facts:
                    return memory_words("nothing-known", language)
                return about_facts("known" if len(facts) == 1 else "known-more", language, facts)
            case ForgetEverything():
                count = await self._client.forget(ForgetWanted(speaker=known.speaker, everything=True))
                for fact in facts:
                    self._drop_mentions(question, fact.text)
                return memory_words("forgotten-all" if count else "nothing-known", language)
            case ForgetLast():
                here = question.conversation_id
                of_here = [fact for fact in facts if here and fact.conversation_id == here]
                return await self._forget(of_here[:1], question, known) or memory_words("nothing-here", language)
            case ForgetAbout(text):
                meant = _about(facts, text)
                return await self._forget(meant, question, known) or memory_words("nothing-about", language)

    async def _remember(self, text: str, question: Question, known: Known, by: LearnedBy) -> None:
        if question.origin is None:
            raise MemoryAway("a fact comes from a turn, and this is none")
        await self._client.remember(
            RememberWanted(
                text=text,
                learned_by=by,
                origin=question.origin,
                speaker=known.speaker,
                language=question.language,
                conversation_id=question.conversation_id or None,
            )
        )

    async def _forget(self, facts: list[Fact], question: Question, known: Known) -> str:
        """Forget facts and say which; nothing is said where there are none."""
        if not facts:
            return ""
        await self._client.forget(ForgetWanted(speaker=known.speaker, ids=tuple(fact.id for fact in facts)))
        for fact in facts:
            self._drop_mentions(question, fact.text)
        key = "forgotten-one" if len(facts) == 1 else "forgotten-some"
        return about_facts(key, question.language, facts)

    def _drop_mentions(self, question: Question, text: str) -> None:
        """Have no later prompt of the conversation tell it, whoever keeps that."""
        self._conversations.drop_mentions(question.conversation_id, text)
        self._histories.drop_mentions(question, text)

    # -- what a model wants ----------------------------------------------------------------------------------------

    def _said(self, question: Question) -> str:
        """Return what the person said in this conversation, as far as it is shown."""
        earlier = question.earlier or self._conversations.recall(question.conversation_id)
        return "\n".join([told_by(m.content) for m in earlier if m.role == "user"] + [question.text])

    def owns(self, call: ToolCall) -> bool:
        """Whether a call is one of `tools`."""
        return any(call.name == tool.name for tool in self.tools)

    async def carry_out(self, call: ToolCall, question: Question, thought: Thought) -> ToolAnswer:
        """Carry out one call of a model's; a failure is an answer, with what must be admitted."""
        text = str((call.read_arguments() or {}).get("fact" if call.name == REMEMBER else "about") or "").strip()
        with thought.acting(tool=call.name) as part:
            known = await self.recall(question, None)
            if known.speaker is None and not self._settings.learn_from_unknown and known.trouble is None:
                part["code"] = "unknown-speaker"
                said = memory_words("unknown-speaker", question.language)
                return ToolAnswer(call, "FAILED. Nobody knows who is speaking.", said)
            if not same_words(text) or len(text) > MAX_FACT_CHARS:
                part["code"] = "bad-request"
                return ToolAnswer(call, f"FAILED. Give 1 to {MAX_FACT_CHARS} characters of words.")
            if call.name == REMEMBER and not is_in_words_of(text, self._said(question)):
                part["code"] = "bad-request"
                return ToolAnswer(call, "FAILED. The person did not say that. Use their own words.")
            try:
                if known.trouble is not None:
                    raise MemoryAway(known.trouble)
                if call.name == REMEMBER:
                    await self._remember(text, question, known, "model")
                    return ToolAnswer(call, "Remembered.", changes=True)
                told = await self._forget(_about(known.facts, text), question, known)
                return ToolAnswer(call, told or "Nothing is remembered about that.", changes=bool(told))
            except AvatarError as error:
                part["code"] = known.trouble or error.code
                return ToolAnswer(call, "FAILED.", memory_words("memory-away", question.language))


def _about(facts: tuple[Fact, ...], text: str) -> list[Fact]:
    """Return the facts that say these words, one after the other; else those with each of the words."""
    words = same_words(text)
    whole = [fact for fact in facts if words in same_words(fact.text)]
    if whole:
        return whole
    each = [part for part in map(same_words, text.split()) if len(part) > 2]
    return [fact for fact in facts if each and all(part in same_words(fact.text) for part in each)]
