"""One data-plane process at the lease socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from wyoming.event import Event
from wyoming.ping import Ping, Pong

from avatar_appliance.errors import BadRequest
from avatar_appliance.leases.messages import (
    LIMITS,
    MOST_LEASES,
    MOST_TEXT_CHARS,
    TOLD,
    Answered,
    LeaseDenied,
    LeaseEnded,
    LeaseGiven,
    LeaseHeld,
    LeaseRevoked,
    LeaseWanted,
    UrgencyTold,
    from_event,
    to_event,
)
from avatar_appliance.leases.urgency import Urgency
from avatar_appliance.wire import event_bytes, parse_event, read_event

from .actions import Deny, Grant, Revoke
from .events import Cancelled, Declared, Released, Requested, UrgencyChanged
from .lease_request import LeaseId, LeaseRequest

LeaseEvent = Requested | Cancelled | Released | Declared | UrgencyChanged
# What ended on our side a moment ago, and may still be spoken of by a message that crosses ours.
MOST_REMEMBERED = 256
LONGEST_RETRY_S = 86_400.0


class _State(Enum):
    WAITING = auto()
    HELD = auto()


class LeaseConnection:
    """The requests and leases of one connection; each request is answered exactly once, a cancelled one never."""

    def __init__(
        self,
        number: int,
        submit: Callable[[LeaseEvent], None],
        writer: asyncio.StreamWriter,
        clock: Callable[[], float],
    ) -> None:
        self._number = number
        self._submit = submit
        self._writer = writer
        self._clock = clock
        self._open: dict[str, _State] = {}
        self._over: deque[str] = deque(maxlen=MOST_REMEMBERED)

    @staticmethod
    def number_in(lease_id: LeaseId) -> int | None:
        """Return the number of the connection that a lease of the book's belongs to."""
        _, at, number = lease_id.rpartition("@")
        return int(number) if at and number.isdecimal() else None

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Listen to the end of the connection; raises BadRequest or FrameTooLarge for what no client of ours says."""
        while (event := await read_event(reader, LIMITS)) is not None:
            self._take(event)
            # Who does not read his answers is not listened to: the memory they wait in is bounded.
            await self._writer.drain()

    def answer(self, answer: Grant | Deny | Revoke) -> None:
        """Pass on what the book says of one of our leases."""
        lease_id, _, _ = answer.lease_id.rpartition("@")
        state = self._open.get(lease_id)
        match answer:
            case Grant() if state is _State.WAITING:
                self._open[lease_id] = _State.HELD
                degraded = answer.degraded[:MOST_TEXT_CHARS] if answer.degraded else None
                self._write(LeaseGiven(lease_id=lease_id, worker=answer.worker, degraded=degraded))
            case Deny() if state is _State.WAITING:
                self._deny(lease_id, answer.code, answer.text, answer.retry_after_s)
            case Revoke() if state is _State.HELD:
                self._close(lease_id)
                self._write(LeaseRevoked(lease_id=lease_id, worker=answer.worker))
            case _:
                pass  # ended meanwhile, and the book has been told

    def end(self) -> None:
        """End all that is open: the process is gone."""
        for lease_id in tuple(self._open):
            self._end(lease_id)

    def _take(self, event: Event) -> None:
        if Ping.is_type(event.type):
            self._writer.write(event_bytes(Pong(text=parse_event(Ping, event).text).event()))
            return
        message = from_event(event, TOLD)
        match message:
            case LeaseWanted():
                self._wanted(message)
            case LeaseHeld():
                self._must_be_new(message.lease_id)
                if len(self._open) >= MOST_LEASES:
                    raise BadRequest(f"more than {MOST_LEASES} leases on one connection")
                self._open[message.lease_id] = _State.HELD
                urgency = Urgency.from_wire(message.urgency)
                self._submit(Declared(self._named(message.lease_id), message.worker, urgency, _client(message)))
            case UrgencyTold():
                if self._is_open(message.lease_id):
                    self._submit(UrgencyChanged(self._named(message.lease_id), Urgency.from_wire(message.urgency)))
            case LeaseEnded():
                if self._is_open(message.lease_id):
                    self._end(message.lease_id)

    def _wanted(self, message: LeaseWanted) -> None:
        self._must_be_new(message.lease_id)
        if len(self._open) >= MOST_LEASES:
            self._deny(message.lease_id, "server-full", f"{MOST_LEASES} leases are open on one connection", 1.0)
            return
        self._open[message.lease_id] = _State.WAITING
        self._submit(
            Requested(
                LeaseRequest(
                    lease_id=self._named(message.lease_id),
                    ladder=message.ladder,
                    urgency=Urgency.from_wire(message.urgency),
                    deadline_s=self._clock() + message.wait_s,
                    warm=message.warm,
                    client=_client(message),
                )
            )
        )

    def _must_be_new(self, lease_id: str) -> None:
        if lease_id in self._open or lease_id in self._over:
            raise BadRequest("a lease id was used twice")

    def _is_open(self, lease_id: str) -> bool:
        if lease_id in self._open:
            return True
        if lease_id in self._over:
            return False  # our denial or revocation was under way
        raise BadRequest("there is no such lease on this connection")

    def _end(self, lease_id: str) -> None:
        waiting = self._open[lease_id] is _State.WAITING
        self._close(lease_id)
        named = self._named(lease_id)
        self._submit(Cancelled(named) if waiting else Released(named))

    def _deny(self, lease_id: str, code: str, text: str, retry_after_s: float | None) -> None:
        self._close(lease_id)
        if retry_after_s is not None:
            retry_after_s = min(max(retry_after_s, 0.0), LONGEST_RETRY_S)
        self._write(LeaseDenied(lease_id=lease_id, code=code, text=text[:MOST_TEXT_CHARS], retry_after_s=retry_after_s))

    def _close(self, lease_id: str) -> None:
        self._open.pop(lease_id, None)
        self._over.append(lease_id)

    def _named(self, lease_id: str) -> LeaseId:
        return f"{lease_id}@{self._number}"

    def _write(self, message: Answered) -> None:
        if not self._writer.transport.is_closing():
            self._writer.write(event_bytes(to_event(message)))


def _client(message: LeaseWanted | LeaseHeld) -> str:
    """Return who asks: an id begins with the name of its process."""
    return message.lease_id.partition("-")[0]
