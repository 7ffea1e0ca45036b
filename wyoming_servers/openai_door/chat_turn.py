"""One request of the door: from the brain's pieces to a completion, streamed or whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from avatar_appliance.config.settings import LimitsSettings
from avatar_appliance.errors import AvatarError, DeadlineExceeded, InternalError, TextTooLong
from avatar_appliance.log import connection_log, log_defect
from wyoming_servers.ahead import handed_over
from wyoming_servers.backends.chat_message import ToolCall
from wyoming_servers.conversation.agent import Agent
from wyoming_servers.conversation.house_tools import HandedBack
from wyoming_servers.conversation.sentences import apology, sentence
from wyoming_servers.conversation.thought import Thought
from wyoming_servers.own_voice.mark import marked
from wyoming_servers.report import StageRecorder

from .chat_request import ChatRequest
from .completion import DONE, Completion, error_body, error_event

_LOGGER = logging.getLogger(__name__)


class ChatTurn:
    """An ASGI response that thinks while it answers; a client that hangs up ends the thinking."""

    def __init__(
        self,
        request: ChatRequest,
        agent: Agent,
        recorder: StageRecorder,
        languages: Sequence[str],
        limits: LimitsSettings,
        identity: str,
        client: str,
        ended: Callable[[], None],
    ) -> None:
        """`client` is who asks; `ended` is called once, however it ends."""
        self._request = request
        self._agent = agent
        self._recorder = recorder
        self._limits = limits
        self._identity = identity
        self._ended = ended
        self._question, self._asked = request.question(languages, client)
        self._completion = Completion()
        self._thought = Thought()
        self._text = ""
        self._calls: list[ToolCall] = []
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; raises nothing but what a broken socket raises."""
        with connection_log(self._identity):
            work = asyncio.create_task(self._serve(scope, receive, send), name=f"chat {self._identity}")
            gone = asyncio.create_task(_hung_up(receive), name=f"hang-up {self._identity}")
            try:
                await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (work, gone):
                    task.cancel()
                await asyncio.gather(work, gone, return_exceptions=True)
                self._ended()
            if not work.cancelled() and (error := work.exception()) is not None and not isinstance(error, OSError):
                raise error

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: AvatarError | None = None
        try:
            async with self._recorded():
                async with contextlib.aclosing(self._bounded()) as pieces:
                    async for piece in pieces:
                        await self._take(piece, send)
                if not (self._text or self._calls or self._thought.nothing_to_say or self._thought.stopped):
                    self._recorder.error_code = "no-answer"
                    if self._request.is_spoken:
                        await self._take(sentence("no-answer", self._question.language), send)
        except AvatarError as error:
            failure = error
        except (OSError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - logged, and told to the client
            log_defect(_LOGGER, "defect while serving a chat", error)
            failure = InternalError("something went wrong here; it is in the log")
        if failure is not None:
            _LOGGER.info("chat refused: %s (%s)", failure.code, failure.text)
            if self._request.is_spoken:
                # Somebody listens: an honest sentence rather than the client's own words for a failure.
                space = " " if self._text and not self._text.endswith((" ", "\n")) else ""
                await self._take(f"{space}{apology(failure, self._question.language)}", send)
            elif self._begun:
                await send({"type": "http.response.body", "body": error_event(failure), "more_body": False})
                return
            else:
                await JSONResponse(error_body(failure), failure.http_status)(scope, receive, send)
                return
        await self._finish(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _recorded(self) -> AsyncGenerator[None, None]:
        recorder, thought = self._recorder, self._thought
        recorder.conversation_id = self._question.conversation_id or None
        recorder.link_id = self._request.link_id
        recorder.language, recorder.text_in = self._question.language, self._question.text
        began = time.monotonic()
        async with recorder:
            self._question = replace(self._question, origin=recorder.origin, utterance=self._utterance())
            try:
                if len(self._question.text) > self._limits.max_text_chars:
                    raise TextTooLong(f"more than {self._limits.max_text_chars} characters")
                yield
                recorder.error_code = recorder.error_code or thought.error_code
            finally:
                recorder.worker, recorder.degraded = thought.worker, thought.degraded
                recorder.speaker = thought.speaker or self._question.speaker
                recorder.text_out = self._text.strip()
                recorder.parts = tuple(thought.parts)
                think_s = round(time.monotonic() - began, 3)
                detail = {"door": "openai", "pieces": thought.pieces, "think_s": think_s}
                recorder.detail = {**thought.detail, **detail, "client_calls": len(self._calls) or None}

    def _utterance(self) -> str | None:
        question = self._question
        return self._agent.utterance_of(question.text, question.conversation_id) if self._request.is_spoken else None

    async def _bounded(self) -> AsyncGenerator[str | ToolCall | HandedBack, None]:
        """The brain's pieces; raises DeadlineExceeded when the next one does not come in time."""
        limit_s = self._limits.request_timeout_s
        hand_over = self._agent.hand_over if self._request.is_spoken else None
        pieces = handed_over(hand_over, self._pieces(), self._question, self._thought)
        try:
            while True:
                try:
                    async with asyncio.timeout(limit_s) as scope:
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if not scope.expired():
                        raise
                    raise DeadlineExceeded(f"no result within {limit_s:g} s") from None
                yield piece
        finally:
            await pieces.aclose()

    def _pieces(self) -> AsyncGenerator[str | ToolCall | HandedBack, None]:
        request = self._request
        if not self._question.has_own_tools:
            return self._agent.answer(self._question, self._thought, request.wish)
        return self._agent.relay(self._question, self._asked, request.offer(), request.wish, self._thought)

    async def _take(self, piece: str | ToolCall | HandedBack, send: Send) -> None:
        assert not isinstance(piece, HandedBack), "nobody said that this client takes intents"
        if not piece:
            return
        self._recorder.first_output()
        if isinstance(piece, ToolCall):
            self._calls.append(piece)
            body = self._completion.call_chunk(len(self._calls) - 1, piece)
        else:
            content = piece if self._text else marked(piece, self._question.utterance)
            self._text += piece
            body = self._completion.chunk({"content": content})
        if self._request.stream:
            body = await self._begin(send) + body
            await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _begin(self, send: Send) -> bytes:
        """Send the head of a stream, once; return the event it begins with, to go out with what follows."""
        if self._begun:
            return b""
        self._begun = True
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        return self._completion.chunk({"role": "assistant", "content": ""})

    async def _finish(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = "tool_calls" if self._calls else "length" if self._thought.finish_reason == "length" else "stop"
        if not self._request.stream:
            text = marked(self._text, self._question.utterance)
            body = self._completion.whole(text, self._calls, reason, self._thought.usage)
            await JSONResponse(body, headers={"cache-control": "no-store"})(scope, receive, send)
            return
        end = await self._begin(send) + self._completion.chunk({}, reason)
        if self._request.wants_usage:
            end += self._completion.usage_chunk(self._thought.usage)
        await send({"type": "http.response.body", "body": end + DONE, "more_body": False})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
