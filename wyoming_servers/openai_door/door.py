"""The door itself: a small HTTP server in the conversation server's process, in front of the same brain."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from avatar_appliance.config import Settings
from avatar_appliance.door_token import DoorToken
from avatar_appliance.errors import AvatarError, FrameTooLarge, NotFound, ServerFull, Unauthorized
from wyoming_servers.conversation.agent import Agent
from wyoming_servers.report import StageRecorder

from .chat_request import ChatRequest
from .chat_turn import ChatTurn
from .completion import error_body, models

_LOGGER = logging.getLogger(__name__)

KEEP_ALIVE_S = 30


class Door:
    """`/v1/models` and `/v1/chat/completions` behind a bearer token."""

    def __init__(self, settings: Settings, agent: Agent, recorder: Callable[[str], StageRecorder]) -> None:
        """`recorder` makes what records one request. Raises ConfigError for a configured token nobody can use."""
        self._host = settings.host
        self._limits = settings.limits
        self._languages = settings.house.languages
        self._agent = agent
        self._recorder = recorder
        self._token = DoorToken(settings.paths.state_dir, settings.conversation.openai_token)
        self._numbers = itertools.count(1)
        self._active = 0

    @contextlib.asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[int | None]:
        """Serve while the block runs; give the port (a free one for 0), None where it cannot be listened on.

        That is an error in the log and nothing more: the house talks through the other door.
        """
        try:
            listener = _listen(self._host, port)
        except OSError as error:
            _LOGGER.error(
                "the OpenAI-compatible door stays shut: port %d: %s (set conversation.openai_port to another, or null)",
                port,
                error.strerror,
            )
            yield None
            return
        server = _Server(self._config())
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="openai door")
        try:
            await server.until_started(serving)
            bound = int(listener.getsockname()[1])
            if not self._token.exists:
                _LOGGER.info("the OpenAI-compatible door on port %d has no key yet: `avatar token --openai`", bound)
            yield bound
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            listener.close()

    def app(self) -> ASGIApp:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/models", self._models, methods=["GET"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ],
            exception_handlers={AvatarError: _refuse, HTTPException: _no_such_thing},  # type: ignore[dict-item]
        )

    async def _models(self, request: Request) -> Response:
        self._check(request)
        return JSONResponse(models())

    async def _chat(self, request: Request) -> ASGIApp:
        self._check(request)
        chat = ChatRequest.read(await self._body(request))
        if self._active >= self._limits.max_turns:
            raise ServerFull(f"{self._limits.max_turns} requests are being served already")
        identity = f"d{next(self._numbers)}"
        turn = ChatTurn(
            chat,
            self._agent,
            self._recorder(identity),
            self._languages,
            self._limits,
            identity,
            _client_of(request),
            self._turn_ended,
        )
        self._active += 1
        return turn

    def _turn_ended(self) -> None:
        self._active -= 1

    def _check(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._token.verify(token.strip().encode("latin-1", errors="replace")):
            raise Unauthorized(
                "no bearer token, or a wrong one", hint="`avatar token --openai` makes the key to this door."
            )

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._limits.max_data_bytes:
                raise FrameTooLarge(f"the request has more than {self._limits.max_data_bytes} bytes")
        return bytes(body)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app(),
            http="h11",  # the same limits and the same behaviour, whatever else is installed
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=self._limits.max_connections,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(self._limits.drain_s),
        )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._is_up.set()

    async def until_started(self, serving: asyncio.Task[None]) -> None:
        """Wait until it serves; raises what kept it from that."""
        starting = asyncio.create_task(self._is_up.wait())
        await asyncio.wait({serving, starting}, return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        if serving.done():
            serving.result()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGTERM and SIGINT to the server of this process."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, dualstack_ipv6=host == "::", backlog=128)
    # Connections inherit it: without it a body waits 40 ms for the client to acknowledge the headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _client_of(request: Request) -> str:
    """Return who asks: an address with a key; the key cannot be read from it."""
    address = request.client.host if request.client else ""
    return hashlib.sha256(f"{address} {request.headers.get('authorization', '')}".encode()).hexdigest()


async def _refuse(request: Request, error: AvatarError) -> Response:
    headers = {"www-authenticate": "Bearer"} if isinstance(error, Unauthorized) else None
    return JSONResponse(error_body(error), error.http_status, headers=headers)


async def _no_such_thing(request: Request, error: HTTPException) -> Response:
    missing = NotFound("there is no such path, or not by this method", hint="/v1/models and /v1/chat/completions are.")
    return JSONResponse(error_body(missing), error.status_code)
