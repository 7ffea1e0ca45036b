"""One connection to Home Assistant's MCP server, kept by a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from avatar_appliance import __version__
from avatar_appliance.errors import AvatarError
from wyoming_servers.house.errors import (
    HomeAssistantAway,
    HomeAssistantRefused,
    HomeAssistantTimeout,
    McpServerMissing,
)

from .address import HomeAssistantAddress

if TYPE_CHECKING:
    import httpx2
    from mcp import Client

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Beyond the 60 s after which Home Assistant itself gives a request up.
SERVER_LIMIT_S = 90.0


class McpLink:
    """An MCP client and the task that owns it.

    The client library's scopes must be left by the task that entered them, so one task holds the client open and
    everybody's calls go through it. When the connection breaks, the task ends and every call in flight fails at once;
    a link is not repaired, the next one is made.
    """

    def __init__(self, address: HomeAssistantAddress, on_tools_changed: Callable[[], None]) -> None:
        self._address = address
        self._on_tools_changed = on_tools_changed
        self._opened: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._last_status = 0
        self._task = asyncio.create_task(self._own(), name="mcp link")

    @property
    def is_up(self) -> bool:
        """Whether calls can go through it."""
        return not self._task.done() and self._opened.done() and not self._opened.cancelled()

    @staticmethod
    async def load_library() -> None:
        """Import the client library, which takes a second, without holding up the event loop."""
        await asyncio.to_thread(importlib.import_module, "mcp")
        # It logs answers it could not read, with their text.
        logging.getLogger("mcp").setLevel(logging.CRITICAL)
        logging.getLogger("httpx2").setLevel(logging.WARNING)

    async def opened(self) -> None:
        """Wait until the handshake is done; raise what kept it from happening."""
        try:
            async with asyncio.timeout(self._address.timeout_s):
                await _first_of(self._opened, self._task)
        except TimeoutError:
            raise HomeAssistantTimeout("the MCP server did not finish the handshake") from None
        if not self._opened.done() or self._opened.cancelled():
            raise self._why_down()

    async def call(self, use: Callable[[Client], Awaitable[Result]]) -> Result:
        """Run one request; raise HomeAssistantAway, -Timeout, -Refused, McpServerMissing or the library's MCPError."""
        request = asyncio.ensure_future(use(self._opened.result()))
        try:
            async with asyncio.timeout(self._address.timeout_s):
                await _first_of(request, self._task)
        except TimeoutError:
            raise HomeAssistantTimeout(f"no answer within {self._address.timeout_s:g} s") from None
        finally:
            if not request.done():
                request.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await request
        if request.cancelled():
            raise self._why_down()
        return self._settle(request)

    async def close(self) -> None:
        """Close the connection; calls in flight fail."""
        self._closing.set()
        try:
            async with asyncio.timeout(2):
                await asyncio.wait({self._task})
        except TimeoutError:
            pass
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._opened.cancel()

    def _settle(self, request: asyncio.Future[Result]) -> Result:
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED, REQUEST_TIMEOUT

        error = request.exception()
        if error is None:
            return request.result()
        if isinstance(error, MCPError):
            status, self._last_status = self._last_status, 0
            if (named := _by_status(status)) is not None:
                raise named from None
            if error.code == REQUEST_TIMEOUT:
                raise HomeAssistantTimeout(f"no answer within {self._address.timeout_s:g} s") from None
            if self._task.done() or error.code == CONNECTION_CLOSED:
                raise HomeAssistantAway(f"the MCP request failed (code {error.code})") from None
        elif not isinstance(error, AvatarError):
            raise HomeAssistantAway(f"the MCP request failed ({type(error).__name__})") from None
        raise error

    def _why_down(self) -> AvatarError:
        if (named := _by_status(self._last_status)) is not None:
            return named
        return HomeAssistantAway(f"the MCP server at {self._address.origin} cannot be reached")

    async def _own(self) -> None:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client
        from mcp.types import Implementation

        address = self._address
        verify = address.tls() or True
        # A request is given up by `call`, which harms no other; a read that times out ends the whole connection.
        timeout = httpx2.Timeout(address.timeout_s, read=max(SERVER_LIMIT_S, 2 * address.timeout_s))
        hooks: dict[str, list[Callable[..., Any]]] = {"response": [self._note_status]}
        try:
            async with (
                httpx2.AsyncClient(
                    headers=address.headers, timeout=timeout, verify=verify, trust_env=False, event_hooks=hooks
                ) as http,
                Client(
                    streamable_http_client(address.mcp, http_client=http),
                    read_timeout_seconds=address.timeout_s,
                    client_info=Implementation(name="avatar-appliance", version=__version__),
                    message_handler=self._take_notification,
                    cache=None,
                ) as client,
            ):
                self._opened.set_result(client)
                await self._closing.wait()
        except Exception as error:  # the library's transports raise many kinds, and all mean that the link is down
            logger.info("MCP connection to Home Assistant ended (%s)", _name(error))
            logger.debug("MCP connection", exc_info=error)

    async def _note_status(self, response: httpx2.Response) -> None:
        """The library reports a refused request as "an error response": the status is what says why."""
        if response.status_code >= 400:
            self._last_status = response.status_code

    async def _take_notification(self, message: object) -> None:
        from mcp.types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            self._on_tools_changed()


def _by_status(status: int) -> AvatarError | None:
    if status in (401, 403):
        return HomeAssistantRefused("Home Assistant's MCP server does not accept the token")
    if status == 404:
        return McpServerMissing("Home Assistant answered 404: it has no MCP server")
    if status >= 500:
        return HomeAssistantAway(f"Home Assistant's MCP server answered {status}")
    return None


async def _first_of(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def _name(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
