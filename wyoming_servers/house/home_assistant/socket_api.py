"""One authenticated connection to Home Assistant's WebSocket API."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from wyoming_servers.house.errors import HomeAssistantAway, HomeAssistantRefused, HomeAssistantTimeout

from .address import HomeAssistantAddress

logger = logging.getLogger(__name__)

# The answers about a large house are a few megabytes.
MAX_MESSAGE_BYTES = 2**25

OnEvent = Callable[[Any], None]


class SocketApi:
    """Commands and subscriptions; every command is bounded in time.

    Raises HomeAssistantAway, HomeAssistantTimeout and HomeAssistantRefused, nothing else.
    """

    def __init__(self, socket: ClientConnection, timeout_s: float) -> None:
        """Take over an authenticated socket; `open_socket_api` makes one."""
        self._socket = socket
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[int, OnEvent] = {}

    async def ask(self, command: str, **arguments: Any) -> Any:
        """Return the result of one command."""
        return await self._send(next(self._ids), command, arguments)

    async def subscribe(self, command: str, on_event: OnEvent, **arguments: Any) -> int:
        """Start a subscription and return its number; `on_event` gets the events, in order, from now on."""
        number = next(self._ids)
        self._listeners[number] = on_event  # the first event follows the result at once
        try:
            await self._send(number, command, arguments)
        except BaseException:
            self._listeners.pop(number, None)
            raise
        return number

    async def unsubscribe(self, number: int) -> None:
        """End a subscription."""
        self._listeners.pop(number, None)
        await self.ask("unsubscribe_events", subscription=number)

    async def _send(self, number: int, command: str, arguments: dict[str, Any]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._socket.send(json.dumps({"id": number, "type": command, **arguments}))
                return await answer
        except TimeoutError:
            raise HomeAssistantTimeout(f"no answer to {command} within {self._timeout_s:g} s") from None
        except (WebSocketException, OSError) as error:
            raise HomeAssistantAway(f"connection lost ({type(error).__name__})") from None
        finally:
            self._answers.pop(number, None)

    async def read(self) -> None:
        """Hand out what Home Assistant sends until it closes; always ends with HomeAssistantAway."""
        lost = HomeAssistantAway("Home Assistant closed the connection")
        try:
            async for frame in self._socket:
                self._take(frame)
        except (WebSocketException, OSError) as error:
            lost = HomeAssistantAway(f"connection lost ({type(error).__name__})")
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(lost)
                    answer.exception()  # nobody may be waiting for it any more
        raise lost

    def _take(self, frame: str | bytes) -> None:
        try:
            messages = json.loads(frame)
        except ValueError:
            logger.warning("Home Assistant sent a frame that is not JSON")
            return
        for message in messages if isinstance(messages, list) else [messages]:
            if not isinstance(message, dict):
                continue
            number = message.get("id")
            if message.get("type") == "event" and (listener := self._listeners.get(number)):  # type: ignore[arg-type]
                listener(message.get("event"))
            elif message.get("type") == "result" and (answer := self._answers.get(number)):  # type: ignore[arg-type]
                self._settle(answer, message)

    @staticmethod
    def _settle(answer: asyncio.Future[Any], message: dict[str, Any]) -> None:
        if answer.done():
            return
        if message.get("success"):
            answer.set_result(message.get("result"))
            return
        error = message.get("error")
        code = str(error.get("code")) if isinstance(error, dict) else "unknown"
        if code == "unauthorized":
            answer.set_exception(HomeAssistantRefused("the token's user is no administrator of Home Assistant"))
        else:
            answer.set_exception(HomeAssistantAway(f"Home Assistant answered a command with {code}"))


class _WithinOrigin(connect):
    """A connection that follows no redirect: our token is sent in the first message, and only to the house."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@contextlib.asynccontextmanager
async def open_socket_api(address: HomeAssistantAddress) -> AsyncIterator[SocketApi]:
    """Connect and authenticate; raise HomeAssistantAway or HomeAssistantRefused.

    The caller runs `read` beside whatever it asks.
    """
    try:
        socket = await _WithinOrigin(
            address.web_socket,
            ssl=address.tls(),
            proxy=None,
            open_timeout=address.timeout_s,
            close_timeout=2,
            max_size=MAX_MESSAGE_BYTES,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status in (401, 403):
            raise HomeAssistantRefused(f"Home Assistant answered {status}; has it banned this machine?") from None
        raise HomeAssistantAway(f"{address.origin} answered {status}, not a WebSocket") from None
    except (OSError, InvalidHandshake, WebSocketException, TimeoutError) as error:
        raise HomeAssistantAway(f"{address.origin} cannot be reached ({type(error).__name__})") from None
    try:
        await _authenticate(socket, address)
        yield SocketApi(socket, address.timeout_s)
    finally:
        await socket.close()


async def _authenticate(socket: ClientConnection, address: HomeAssistantAddress) -> None:
    try:
        async with asyncio.timeout(address.timeout_s):
            await socket.recv()  # auth_required
            await socket.send(json.dumps({"type": "auth", "access_token": address.token}))
            verdict = json.loads(await socket.recv())
    except TimeoutError:
        raise HomeAssistantTimeout(f"{address.origin} did not finish the log-in") from None
    except (WebSocketException, OSError, ValueError) as error:
        raise HomeAssistantAway(f"{address.origin} is no Home Assistant ({type(error).__name__})") from None
    if not isinstance(verdict, dict) or verdict.get("type") != "auth_ok":
        raise HomeAssistantRefused("Home Assistant does not accept the token")
