"""The data plane's side of the facts socket."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Final, TypeVar

from wyoming.error import Error

from avatar_appliance.errors import AvatarError
from avatar_appliance.wire import event_bytes, read_event

from .errors import MemoryAway
from .fact import Fact
from .messages import (
    ANSWERED,
    FACTS_SOCKET,
    LIMITS,
    Answered,
    ForgetWanted,
    Forgotten,
    Recalled,
    RecallWanted,
    Remembered,
    RememberWanted,
    Wanted,
    from_event,
    to_event,
)

WRITE_S: Final = 2.0
"""How long somebody who said "remember that" waits for the answer."""

RECEIVED_BYTES: Final = 64 * 1024

_Answer = TypeVar("_Answer", bound=Answered)


class FactsClient:
    """One connection per request: nothing to keep alive, nothing that can be out of step."""

    def __init__(self, runtime_dir: Path) -> None:
        self._path = str(runtime_dir / FACTS_SOCKET)

    async def recall(self, wanted: RecallWanted, *, within_s: float) -> Recalled:
        """Return what is known; raises MemoryAway where there is no answer in time, or what the control plane says."""
        return await self._ask(wanted, Recalled, within_s)

    async def remember(self, wanted: RememberWanted) -> Fact:
        """Keep a fact and return it as it is kept; raises as `recall` does."""
        return (await self._ask(wanted, Remembered, WRITE_S)).fact

    async def forget(self, wanted: ForgetWanted) -> int:
        """Delete facts and return how many there were; raises as `recall` does."""
        return (await self._ask(wanted, Forgotten, WRITE_S)).count

    async def _ask(self, wanted: Wanted, kind: type[_Answer], within_s: float) -> _Answer:
        try:
            async with asyncio.timeout(within_s):
                return await self._exchange(wanted, kind)
        except TimeoutError:
            raise MemoryAway(f"no answer about remembered facts within {within_s:g} s") from None
        except OSError:
            raise MemoryAway("nobody listens on the facts socket") from None

    async def _exchange(self, wanted: Wanted, kind: type[_Answer]) -> _Answer:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LIMITS.header_bytes)
        left = LIMITS.header_bytes + LIMITS.data_bytes
        # A bare socket: the question has left within the first step of this coroutine, and is answered meanwhile.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.setblocking(False)
            await loop.sock_connect(link, self._path)
            await loop.sock_sendall(link, event_bytes(to_event(wanted)))
            while data := await loop.sock_recv(link, RECEIVED_BYTES):
                reader.feed_data(data)
                if (left := left - len(data)) < 0:
                    raise MemoryAway("an answer about remembered facts is too long")
        reader.feed_eof()
        event = await read_event(reader, LIMITS)
        if event is None:
            raise MemoryAway("the control plane hung up")
        if Error.is_type(event.type):
            raise MemoryAway(f"the control plane refused: {event.data.get('code')}")
        answer = from_event(event, ANSWERED)
        if not isinstance(answer, kind):
            raise AvatarError("an answer on the facts socket was for something else")
        return answer
