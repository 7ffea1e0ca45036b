"""The data plane's side of the lease socket."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping, Pong

from avatar_appliance.errors import (
    AvatarError,
    CoordinatorAway,
    GuestMode,
    NoMemory,
    ServerFull,
    WorkerFailed,
    WorkerLoading,
    WorkerUnavailable,
)
from avatar_appliance.wire import event_bytes, open_reader, read_event

from .lease import Lease
from .messages import (
    ANSWERED,
    COORDINATOR_SOCKET,
    LIMITS,
    LONGEST_WAIT_S,
    MOST_RUNGS,
    LeaseDenied,
    LeaseEnded,
    LeaseGiven,
    LeaseHeld,
    LeaseRevoked,
    LeaseWanted,
    Told,
    UrgencyTold,
    from_event,
    to_event,
)
from .urgency import Urgency

_LOGGER = logging.getLogger(__name__)

FIRST_RECONNECT_S = 0.2
LONGEST_RECONNECT_S = 2.0
# A coordinator that answers neither `ping` nor a request within its own deadline is as good as away.
PONG_TIMEOUT_S = 2.0
ANSWER_GRACE_S = 0.5
MAX_UNSENT_BYTES = 256 * 1024
_DENIALS: dict[str, type[AvatarError]] = {
    error.code: error for error in (NoMemory, WorkerLoading, WorkerFailed, ServerFull, GuestMode, WorkerUnavailable)
}


class LeaseClient:
    """Asks the coordinator for leases; `run` keeps the connection, for ever.

    While there is none, requests raise CoordinatorAway at once, and leases go on: they are declared again as soon as
    the coordinator is back. The end of this process ends them all.
    """

    def __init__(self, runtime_dir: Path, name: str) -> None:
        """`name` is that of this process ("tts"), for people."""
        self._path = runtime_dir / COORDINATOR_SOCKET
        # The coordinator's log and panel show it: who, which process, which life of it.
        self._prefix = f"{name}-{os.getpid()}-{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._held: dict[str, Lease] = {}
        self._asked: dict[str, tuple[asyncio.Future[Lease], Urgency]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._connected = False

    @property
    def connected(self) -> bool:
        """Whether the coordinator is there and knows of all leases held."""
        return self._connected

    async def run(self) -> None:
        """Stay connected until cancelled."""
        delay_s = FIRST_RECONNECT_S
        while True:
            known = False
            try:
                known = await self._stay_connected()
            except OSError:
                pass  # nobody there (yet)
            except AvatarError as error:
                _LOGGER.warning("the coordinator sent something unusable: %s (%s)", error.text, error.code)
            delay_s = FIRST_RECONNECT_S if known else min(2 * delay_s, LONGEST_RECONNECT_S)
            await asyncio.sleep(delay_s)

    async def request(
        self, ladder: Sequence[str], *, urgency: Urgency, wait_s: float, warm: Sequence[str] = ()
    ) -> Lease:
        """Return a lease for one worker of `ladder` (best first), within `wait_s` (60 s at most).

        `warm` are workers that will be wanted next. Raises what it was denied for: NoMemory, WorkerLoading, GuestMode,
        ServerFull, WorkerFailed or WorkerUnavailable, with `retry_after_s` where that is known; CoordinatorAway when
        nobody is there to ask (any more). Cancelled, it is never granted.
        """
        if not self._connected:
            raise CoordinatorAway("the coordinator is away")
        wait_s = min(wait_s, LONGEST_WAIT_S)
        lease_id = self._new_id()
        answer: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._asked[lease_id] = (answer, urgency)
        try:
            self._send(
                LeaseWanted(
                    lease_id=lease_id,
                    ladder=tuple(ladder[:MOST_RUNGS]),
                    urgency=urgency.wire_name,
                    wait_s=wait_s,
                    warm=tuple(warm[:MOST_RUNGS]),
                )
            )
            async with asyncio.timeout(wait_s + ANSWER_GRACE_S):
                return await answer
        except BaseException as error:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                answer.result().release()  # granted in the very moment in which nobody wanted it any more
            elif self._asked.pop(lease_id, None) is not None:
                self._send(LeaseEnded(lease_id=lease_id))
            if isinstance(error, TimeoutError):
                _LOGGER.warning("the coordinator does not answer; going on without it")
                self._disconnect()
                raise CoordinatorAway("the coordinator does not answer") from None
            raise

    def hold(self, worker: str, urgency: Urgency) -> Lease:
        """Return a lease for a worker that is used without having asked, since the coordinator is away.

        It is declared when that is back, so that nobody takes the worker away from under its user.
        """
        lease = self._new_lease(self._new_id(), worker, urgency)
        self._declare(lease)
        return lease

    async def _stay_connected(self) -> bool:
        """Return at the end of one connection, saying whether the coordinator had taken what we hold."""
        reader, writer = await open_reader(str(self._path), limits=LIMITS)
        self._writer = writer
        taken = False
        try:
            for lease in self._held.values():
                self._declare(lease)
            writer.write(event_bytes(Ping().event()))
            async with asyncio.timeout(PONG_TIMEOUT_S):
                while not Pong.is_type((event := await self._next(reader)).type):
                    self._hear(event)
            self._connected = taken = True
            _LOGGER.info("the coordinator is there (%d leases declared)", len(self._held))
            while True:
                self._hear(await self._next(reader))
        except (EOFError, OSError):  # among the latter: it did not answer the ping in time
            return taken
        finally:
            self._connected, self._writer = False, None
            writer.transport.abort()
            for answer, _ in self._asked.values():
                if not answer.done():
                    answer.set_exception(CoordinatorAway("the coordinator went away"))
            self._asked.clear()
            if taken:
                _LOGGER.info("lost the coordinator; going on with the workers that are up")

    async def _next(self, reader: asyncio.StreamReader) -> Event:
        event = await read_event(reader, LIMITS)
        if event is None:
            raise EOFError
        return event

    def _hear(self, event: Event) -> None:
        if Error.is_type(event.type):
            _LOGGER.warning("the coordinator refused us: %s", event.data.get("code"))
            return  # it hangs up next
        message = from_event(event, ANSWERED)
        match message:
            case LeaseRevoked():
                if (lease := self._held.pop(message.lease_id, None)) is not None:
                    lease.revoke()
            case LeaseGiven() | LeaseDenied():
                answer, urgency = self._asked.pop(message.lease_id, (None, Urgency.IDLE))
                if answer is None or answer.done():
                    return  # cancelled meanwhile, and said so
                if isinstance(message, LeaseDenied):
                    answer.set_exception(_denial(message))
                else:
                    answer.set_result(self._new_lease(message.lease_id, message.worker, urgency, message.degraded))

    def _new_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"

    def _new_lease(self, lease_id: str, worker: str, urgency: Urgency, degraded: str | None = None) -> Lease:
        lease = Lease(
            lease_id, worker, urgency, degraded=degraded, on_urgency=self._urgency_changed, on_release=self._released
        )
        self._held[lease_id] = lease
        return lease

    def _declare(self, lease: Lease) -> None:
        self._send(LeaseHeld(lease_id=lease.lease_id, worker=lease.worker, urgency=lease.urgency.wire_name))

    def _urgency_changed(self, lease: Lease) -> None:
        self._send(UrgencyTold(lease_id=lease.lease_id, urgency=lease.urgency.wire_name))

    def _released(self, lease: Lease) -> None:
        if self._held.pop(lease.lease_id, None) is not None:
            self._send(LeaseEnded(lease_id=lease.lease_id))

    def _send(self, message: Told) -> None:
        writer = self._writer
        if writer is None or writer.transport.is_closing():
            return  # it hears of the outcome when it is back
        writer.write(event_bytes(to_event(message)))
        if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            _LOGGER.warning("the coordinator does not listen; going on without it")
            self._disconnect()

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._connected = False
            self._writer.transport.abort()


def _denial(message: LeaseDenied) -> AvatarError:
    kind = _DENIALS.get(message.code, WorkerUnavailable)
    return kind(message.text, retry_after_s=message.retry_after_s)
