"""A chat model behind any OpenAI-compatible endpoint, streamed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx

from avatar_appliance.config.gpu_workers import VllmWorker
from avatar_appliance.config.workers import LlamaCppWorker, OpenAIWorker, WorkerSettings, socket_path
from avatar_appliance.errors import WorkerBusy, WorkerFailed, WorkerUnavailable
from avatar_appliance.leases import Urgency

from .chat_message import ChatUsage, Message, ToolCall
from .chat_stream import ChatStream

_LOGGER = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 2.0
# The longest silence before and between tokens: a cold prefill on a CPU takes half a minute.
TOKEN_TIMEOUT_S = 90.0
# How long the end of a response that is complete is waited for.
END_TIMEOUT_S = 0.2
# What one answer may bring, whatever the endpoint makes of `max_tokens`.
MAX_ANSWER_CHARS = 32_000
MAX_ERROR_CHARS = 10_000


__all__ = ["Answer", "ChatModel", "ChatUsage", "ContextTooLong", "Message", "ToolCall", "ToolChoice"]

ToolChoice = Literal["auto", "none", "required"] | Mapping[str, Any]


class ContextTooLong(WorkerFailed):
    """The messages do not fit into the model's context window."""

    code = "context-too-long"
    default_hint = "The conversation is long; it continues with its older part forgotten."
    retryable = False


class Answer:
    """An answer whose first piece of text is here (or all, without text); close it to hang up: the model stops."""

    def __init__(self, first: str, rest: AsyncGenerator[str, None], stream: ChatStream) -> None:
        self._first = first
        self._rest = rest
        self._stream = stream

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """What the model wants done; complete at the end of the text."""
        return self._stream.tool_calls

    @property
    def usage(self) -> ChatUsage:
        """What it cost, known at the end."""
        return self._stream.usage

    @property
    def finish_reason(self) -> str:
        """Why it ended (`stop`, `length`, `tool_calls`), known at the end."""
        return self._stream.finish_reason or "stop"

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> str:
        if self._first:
            first, self._first = self._first, ""
            return first
        return await anext(self._rest)

    async def aclose(self) -> None:
        """Hang up."""
        await self._rest.aclose()


class ChatModel:
    """One endpoint: a local worker on its unix socket, or a URL."""

    def __init__(self, name: str, settings: WorkerSettings, runtime_dir: Path, *, takes_priority: bool = False) -> None:
        """`takes_priority`: it goes by vLLM's request field `priority` (others may refuse what they do not know)."""
        self.name = name
        self._takes_priority = takes_priority
        self._sleeps = isinstance(settings, VllmWorker) and settings.sleep_level > 0
        self.context_tokens = _context_tokens(settings)
        """Its context window; None where nobody says."""
        self.takes_tools = _takes_tools(settings)
        """Whether it may be offered tools."""
        self.down_since_s: float | None = None
        """When (by the loop's clock) it was first found away; None after it was last found there."""
        timeout = httpx.Timeout(TOKEN_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._configured: str | None = None
        if isinstance(settings, OpenAIWorker):
            self._configured = settings.model
            headers = {}
            if settings.api_key is not None:
                headers["Authorization"] = f"Bearer {settings.api_key.get_secret_value()}"
            base = str(settings.base_url).rstrip("/") + "/"
            # trust_env off: a proxy variable of the shell must not carry the house's speech elsewhere.
            self._client = httpx.AsyncClient(base_url=base, headers=headers, timeout=timeout, trust_env=False)
        else:
            # No TLS on a unix socket: reading the certificate store would cost a tenth of a second.
            transport = httpx.AsyncHTTPTransport(uds=str(socket_path(runtime_dir, name)), verify=False)
            self._client = httpx.AsyncClient(
                base_url="http://worker/v1/", transport=transport, timeout=timeout, trust_env=False
            )
        self._model = self._configured

    @property
    def worker(self) -> str:
        """Name of the worker: a model is a rung of its own."""
        return self.name

    async def wait_idle(self) -> None:
        """Return at once: llama.cpp and vLLM abort a request whose client hangs up."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ready(self) -> str:
        """Return the model's name at the endpoint; raises WorkerUnavailable or WorkerFailed."""
        if self._model is None:
            self._model = await self._listed()
        return self._model

    async def probe(self) -> None:
        """Ask whether somebody is there and awake, waking nobody; raises WorkerUnavailable or WorkerFailed."""
        if self._sleeps and await self._asleep():
            raise WorkerUnavailable(f"worker {self.name} sleeps")
        listed = await self._listed()
        self._model = self._configured or listed

    async def open(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float,
        urgency: Urgency = Urgency.FIRST,
        tools: Sequence[Mapping[str, Any]] = (),
        tool_choice: ToolChoice = "auto",
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask, wait for the first piece, and return the answer.

        `tools` are functions as OpenAI's chat completions take them; `options` further fields of the request.

        Until it returns, nothing is lost by asking another model instead. Raises WorkerUnavailable when nobody is there
        (any more), WorkerBusy, ContextTooLong or WorkerFailed.
        """
        body: dict[str, Any] = {
            **(options or {}),
            "model": await self._known_model(),
            "messages": [message.as_json() for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools:
            body |= {"tools": list(tools), "tool_choice": tool_choice}
        if self._takes_priority:
            body["priority"] = int(urgency)  # vLLM: lower goes first, as here
        stream = ChatStream(self.name)
        pieces = self._pieces(body, stream)
        try:
            first = await anext(pieces, "")
        except WorkerUnavailable:
            self.down_since_s = self.down_since_s or asyncio.get_running_loop().time()
            raise
        except BaseException:
            await pieces.aclose()
            raise
        self.down_since_s = None
        return Answer(first, pieces, stream)

    async def _known_model(self) -> str:
        try:
            return await self.ready()
        except WorkerUnavailable:
            self.down_since_s = self.down_since_s or asyncio.get_running_loop().time()
            raise

    async def _asleep(self) -> bool:
        """Return whether vLLM sleeps: it lists its models all the same."""
        try:
            response = await self._client.get("http://worker/is_sleeping")
            return response.is_success and response.json().get("is_sleeping") is True
        except httpx.RequestError as error:
            raise self._translated(error, begun=False) from None
        except (ValueError, AttributeError, RecursionError):
            return False

    async def _listed(self) -> str:
        """Return the first model the endpoint lists."""
        try:
            response = await self._client.get("models")
            if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # llama.cpp while it loads
                raise WorkerUnavailable(f"worker {self.name} is loading")
            return str(response.raise_for_status().json()["data"][0]["id"])
        except httpx.RequestError as error:
            raise self._translated(error, begun=False) from None
        except (httpx.HTTPStatusError, ValueError, LookupError, TypeError, RecursionError):
            raise WorkerFailed(f"worker {self.name} does not list its models") from None

    async def _pieces(self, body: Mapping[str, Any], stream: ChatStream) -> AsyncGenerator[str, None]:
        count = 0
        try:
            async with self._client.stream("POST", "chat/completions", json=body) as response:
                if response.status_code != httpx.codes.OK:
                    await self._refuse(response)
                finished, lines = False, response.aiter_lines()
                async for line in lines:
                    if not line.startswith("data:"):
                        continue
                    data = line.removeprefix("data:").strip()
                    if data == "[DONE]":
                        finished = True
                        await _read_out(lines)
                        break
                    if text := stream.feed(data):
                        yield text
                    if (count := count + len(text)) > MAX_ANSWER_CHARS:
                        raise WorkerFailed(f"worker {self.name} does not stop talking")
                if not finished and stream.finish_reason is None:
                    raise WorkerFailed(f"worker {self.name} broke off in the middle of an answer")
        except httpx.RequestError as error:
            raise self._translated(error, begun=count > 0) from None

    async def _refuse(self, response: httpx.Response) -> None:
        body = (await response.aread()).decode(errors="replace")[:MAX_ERROR_CHARS]
        # The endpoint's error text may quote the prompt: it decides what happened, and stays at DEBUG.
        _LOGGER.debug("worker %s answered %d: %s", self.name, response.status_code, body)
        if response.status_code in (400, 413) and any(word in body for word in ("context", "n_ctx", "max_model_len")):
            raise ContextTooLong(f"worker {self.name}: the conversation does not fit")
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise WorkerUnavailable(f"worker {self.name} is loading")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise WorkerBusy(f"worker {self.name} is busy")
        self._model = self._configured  # perhaps it serves another model now
        raise WorkerFailed(f"worker {self.name} answered {response.status_code}")

    def _translated(self, error: httpx.RequestError, *, begun: bool) -> WorkerUnavailable | WorkerFailed:
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            self._model = self._configured
            return WorkerUnavailable(f"worker {self.name} is not running")
        if isinstance(error, httpx.TimeoutException):
            return WorkerFailed(f"worker {self.name} said nothing for {TOKEN_TIMEOUT_S:g} s")
        if not begun and isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)):
            # It hung up before the first word: killed, or restarting. Nothing is lost by asking again.
            self._model = self._configured
            return WorkerUnavailable(f"worker {self.name} hung up")
        return WorkerFailed(f"worker {self.name} broke off in the middle of an answer")


async def _read_out(lines: AsyncIterator[str]) -> None:
    """Read what is left of a response: only then the next request finds its connection still open."""
    with contextlib.suppress(TimeoutError, httpx.RequestError):
        async with asyncio.timeout(END_TIMEOUT_S):
            async for _ in lines:
                pass


def _context_tokens(settings: WorkerSettings) -> int | None:
    if isinstance(settings, VllmWorker):
        return settings.max_model_len
    return settings.context_tokens if isinstance(settings, (LlamaCppWorker, OpenAIWorker)) else None


def _takes_tools(settings: WorkerSettings) -> bool:
    """What a section says; vLLM takes them where it can read the calls, and the others that are not asked, too."""
    if isinstance(settings, VllmWorker):
        return settings.tools == "auto" and settings.tool_call_parser is not None
    return getattr(settings, "tools", "auto") == "auto"
