"""One request of a connection, as its handler sees it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from wyoming.event import Event, Eventable

from avatar_appliance.errors import DeadlineExceeded

from .inbox import Inbox


class Request:
    """The first event of a request, more events on demand, a way to answer, and the request's deadline."""

    def __init__(
        self,
        first: Event,
        inbox: Inbox,
        write: Callable[[Event], Awaitable[None]],
        *,
        connection: str,
        program: str | None,
        timeout_s: float,
    ) -> None:
        self.first = first
        self.connection = connection
        """Identity of the connection, for logs and reports."""
        self.program = program
        """Name from `select-program`, or None."""
        self._inbox = inbox
        self._write = write
        self._timeout_s = timeout_s
        self._scope: asyncio.Timeout | None = None

    @property
    def more_waiting(self) -> bool:
        """Whether the client's next event is here already: then we are behind what it sends."""
        return bool(self._inbox)

    async def next(self, timeout_s: float | None = None) -> Event:
        """Return the client's next event, and start the deadline anew; raises DeadlineExceeded after `timeout_s`."""
        event = await self._inbox.get(timeout_s)
        self.start_deadline()
        return event

    async def answer(self, event: Event | Eventable) -> None:
        """Write an event to the client and start the deadline anew: whoever gets output is not waiting.

        Raises ConnectionError when the client is gone.
        """
        await self._write(event.event() if isinstance(event, Eventable) else event)
        self.start_deadline()

    def start_deadline(self) -> None:
        """Say that the input is complete (or progress was made): from now on the request has `timeout_s` seconds."""
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time() + self._timeout_s)

    def has_timed_out(self) -> bool:
        """Tell the handler's clean-up whether it was cancelled by the deadline rather than by a hang-up."""
        return self._scope is not None and self._scope.expired()

    @contextlib.asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """End what runs within when the time is up, with DeadlineExceeded; for the connection alone."""
        try:
            async with asyncio.timeout(self._timeout_s) as self._scope:
                try:
                    yield
                finally:
                    scope, self._scope = self._scope, None
        except TimeoutError:
            if not scope.expired():
                raise  # somebody else's
            raise DeadlineExceeded(f"no result within {self._timeout_s:g} s") from None
