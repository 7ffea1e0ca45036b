"""The conversation server that Home Assistant talks to."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming.asr import Transcript
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.info import Attribution, HandleModel, HandleProgram, Info

from avatar_appliance import __version__
from avatar_appliance.config.settings import LimitsSettings
from avatar_appliance.errors import AvatarError, BadRequest, TextTooLong
from avatar_appliance.wire import parse_event
from wyoming_servers.ahead import handed_over
from wyoming_servers.base import Handler, Request
from wyoming_servers.house.asker import Asker
from wyoming_servers.own_voice.mark import marked
from wyoming_servers.report import StageRecorder

from .agent import Agent
from .house_tools import HandedBack
from .question import Question
from .question_language import question_language
from .sentences import apology, sentence
from .thought import Thought

ATTRIBUTION = Attribution(name="AVATAR Appliance", url="")


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    is_meant: bool
    """Whether it is meant to be empty, if it is."""


class ConversationHandler(Handler):
    """`transcript` -> `handled-start`, `handled-chunk`..., the whole text in `handled`, `handled-stop`.

    Without a token, a command is answered with `intent` (or `intents-start`, `intent`..., `intents-stop`) instead.

    Home Assistant ignores the chunks and waits for `handled` (or `not-handled`, whose words it speaks too), so every
    failure is answered with a sentence, never with a bare error.
    """

    def __init__(
        self,
        name: str,
        languages: Sequence[str],
        agent: Agent,
        limits: LimitsSettings,
        recorder: Callable[[Request], StageRecorder],
    ) -> None:
        self._languages = list(languages)
        self._agent = agent
        self._limits = limits
        self._recorder = recorder
        self._info = Info(handle=[_program(name, self._languages, agent.controls_house)])

    def info(self) -> Info:
        """Return the offer from memory."""
        return self._info

    def begins_request(self, event_type: str) -> bool:
        """A transcript is the question."""
        return Transcript.is_type(event_type)

    async def serve(self, request: Request) -> None:
        """Answer one question."""
        question = parse_event(Transcript, request.first)
        text, language = question.text.strip(), self._language(question)
        recorder = self._recorder(request)
        recorder.timed_out = request.has_timed_out
        recorder.note_context(question.context)
        # A client that gives no conversation gets one, handed back in the context: a follow-up can name it.
        recorder.conversation_id = recorder.conversation_id or uuid.uuid4().hex
        recorder.language, recorder.text_in = language, text
        context = {**(question.context or {}), "conversation_id": recorder.conversation_id}
        async with recorder:
            if len(text) > self._limits.max_text_chars:
                raise TextTooLong(f"more than {self._limits.max_text_chars} characters")
            if not text:
                recorder.error_code = "nothing-heard"
                await request.answer(NotHandled(text=sentence("nothing-heard", language), context=context))
                return
            asker = Asker.from_context(context, language)
            utterance = self._agent.utterance_of(text, recorder.conversation_id)
            asked = Question(text, recorder.conversation_id, asker, origin=recorder.origin, utterance=utterance)
            answer = await self._answer(request, recorder, asked, context)
            if isinstance(answer, HandedBack):
                await self._hand_back(request, answer, asked, context)
                return
            if not answer.text and not answer.is_meant:
                recorder.error_code = "no-answer"
                await request.answer(NotHandled(text=sentence("no-answer", language), context=context))
                return
            if recorder.error_code is not None:
                await request.answer(NotHandled(text=answer.text, context=context))
                return
            await request.answer(Handled(text=marked(answer.text, utterance), context=context))
        # Home Assistant hangs up on `handled`: what follows is for others, and not part of the stage.
        await request.answer(HandledStop())

    async def _answer(
        self, request: Request, recorder: StageRecorder, question: Question, context: dict[str, Any]
    ) -> _Answer | HandedBack:
        """Stream the answer's pieces and return all of it."""
        began = time.monotonic()
        thought, whole = Thought(), ""
        try:
            given = handed_over(self._agent.hand_over, self._agent.answer(question, thought), question, thought)
            async with contextlib.aclosing(given) as pieces:
                async for piece in pieces:
                    if isinstance(piece, HandedBack):
                        recorder.first_output()
                        return piece
                    if not piece:
                        continue
                    if not whole:
                        recorder.first_output()
                        await request.answer(HandledStart(context=context))
                    whole += piece
                    await request.answer(HandledChunk(text=piece))
            recorder.error_code = thought.error_code
            if thought.stopped:  # Home Assistant speaks what comes whole: nothing, then
                return _Answer("", is_meant=True)
            return _Answer(whole.strip(), thought.nothing_to_say)
        finally:
            recorder.worker, recorder.degraded = thought.worker, thought.degraded
            recorder.speaker = thought.speaker
            recorder.text_out = whole.strip()
            recorder.parts = tuple(thought.parts)
            think_s = round(time.monotonic() - began, 3)
            recorder.detail = {**thought.detail, "pieces": thought.pieces, "think_s": think_s}

    async def _hand_back(
        self, request: Request, answer: HandedBack, question: Question, context: dict[str, Any]
    ) -> None:
        """Have Home Assistant carry it out and say what came of it."""
        from wyoming_servers.house.acting.wyoming_intents import intent_events  # loads what only a house needs

        for event in intent_events(answer.calls, question.language, context):
            await request.answer(event)

    async def refuse(self, request: Request, error: AvatarError) -> bool:
        """Say what went wrong in a friendly sentence of the asker's language."""
        try:
            question = parse_event(Transcript, request.first)
        except BadRequest:
            return False  # no question at all: the plain error tells a developer more
        await request.answer(NotHandled(text=apology(error, self._language(question)), context=question.context))
        return True

    def _language(self, question: Transcript) -> str:
        """Return the language to answer in: the request's; "zh" alone means the house's own Chinese."""
        if question.language and question.language != "*":
            tag = question.language.replace("_", "-")
            if "-" in tag:
                return tag
            return next((own for own in self._languages if own.split("-")[0].lower() == tag.lower()), tag)
        return question_language(question.text, self._languages)


def _program(name: str, languages: list[str], controls_house: bool) -> HandleProgram:
    bare = [tag.replace("_", "-").split("-")[0] for tag in languages]
    return HandleProgram(
        name=name,
        description="Conversation agent of the AVATAR Appliance",
        attribution=ATTRIBUTION,
        installed=True,
        version=__version__,
        models=[
            HandleModel(
                name="assistant", description="Language model", attribution=ATTRIBUTION, installed=True,
                version=__version__, languages=list(dict.fromkeys([*languages, *bare])),
            )
        ],
        supports_handled_streaming=True,
        supports_home_control=controls_house,
    )  # fmt: skip
