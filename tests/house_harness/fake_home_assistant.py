"""The test house on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from wyoming_servers.house.home_assistant.address import HomeAssistantAddress

from .faults import Faults
from .house_state import HouseState
from .mcp_server import make_mcp_server
from .web_socket_api import WebSocketApi

TOKEN = "good-token"


class FakeHomeAssistant:
    """Start and stop it as often as you like: the port stays."""

    def __init__(self, house: HouseState | None = None) -> None:
        self.house = house or HouseState()
        self.faults = Faults()
        self.sockets = WebSocketApi(self.house, self.faults)
        self.asked: list[str] = []
        """What the MCP server was asked."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    def address(self, *, token: str = TOKEN, timeout_s: float = 5.0) -> HomeAssistantAddress:
        """Return where it is."""
        return HomeAssistantAddress(f"http://127.0.0.1:{self.port}", token, timeout_s=timeout_s)

    async def start(self) -> None:
        """Listen."""
        app = make_mcp_server(self.house, self.faults, self.asked).streamable_http_app(
            streamable_http_path="/api/mcp/assist",
            stateless_http=True,
            json_response=True,
            custom_starlette_routes=[
                Route("/api/intent/handle", self._intent, methods=["POST"]),
                WebSocketRoute("/api/websocket", self.sockets.serve),  # type: ignore[list-item]
            ],
        )
        config = uvicorn.Config(
            _Guard(app, self.faults), host="127.0.0.1", port=self.port, log_level="critical", ws="websockets-sansio",
            timeout_graceful_shutdown=1, lifespan="on",
        )  # fmt: skip
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Close every connection and the port."""
        self.faults.released.set()
        await self.sockets.hang_up()
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._server = self._task = None
        self.faults.released.clear()

    async def _intent(self, request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        if self.faults.hanging_intents:
            await self.faults.released.wait()
        answer = self.house.run(body["name"], body.get("data", {}), body.get("device_id"))
        return JSONResponse({**answer, "language": body.get("language", "en"), "card": {}})


class _Server(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Guard:
    """Home Assistant's bearer token, and the integrations it may lack."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        missing = {"/api/mcp/assist": self._faults.mcp_missing, "/api/intent/handle": self._faults.intents_missing}
        if token not in self._faults.tokens:
            await PlainTextResponse("401: Unauthorized", 401)(scope, receive, send)
        elif missing.get(scope["path"]):
            await PlainTextResponse("404: Not Found", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
