"""A coordinator that does what the test says, behind the real lease socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avatar_appliance.coordinator.actions import Deny, DenyCode, Grant, Revoke
from avatar_appliance.coordinator.events import Cancelled, Declared, Released, Requested, UrgencyChanged
from avatar_appliance.coordinator.lease_request import LeaseRequest
from avatar_appliance.coordinator.lease_server import LeaseServer
from avatar_appliance.leases import Urgency

LeaseEvent = Requested | Cancelled | Released | Declared | UrgencyChanged


class Book:
    """Grants the first rung that is `up`; otherwise denies with `denial`, or lets wait where there is none."""

    def __init__(self, *up: str) -> None:
        self.up = set(up)
        self.denial: tuple[DenyCode, float | None] | None = None
        self.events: list[LeaseEvent] = []
        self.requests: list[LeaseRequest] = []
        self.waiting: dict[str, LeaseRequest] = {}
        self.held: dict[str, str] = {}
        """Worker by lease."""
        self.told: list[tuple[str, Urgency]] = []
        """What each lease was asked for with and told later, in order."""
        self._answer: Callable[[Grant | Deny | Revoke], None] = lambda _: None

    def on_answer(self, callback: Callable[[Grant | Deny | Revoke], None]) -> None:
        self._answer = callback

    def submit(self, event: LeaseEvent) -> None:
        self.events.append(event)
        match event:
            case Requested(request):
                self.requests.append(request)
                self.told.append((request.lease_id, request.urgency))
                self.waiting[request.lease_id] = request
                self.decide(request.lease_id)
            case Cancelled(lease_id) | Released(lease_id):
                assert (self.waiting if isinstance(event, Cancelled) else self.held).pop(lease_id, None)
            case Declared(lease_id, worker, urgency):
                assert lease_id not in self.held
                self.held[lease_id] = worker
                self.told.append((lease_id, urgency))
            case UrgencyChanged(lease_id, urgency):
                assert lease_id in self.held
                self.told.append((lease_id, urgency))

    def decide(self, lease_id: str) -> None:
        """Answer a waiting request if there is an answer."""
        ladder = self.waiting[lease_id].ladder
        for worker in ladder:
            if worker in self.up:
                self.grant(lease_id, worker, None if worker == ladder[0] else f"{worker} instead of {ladder[0]}: test")
                return
        if self.denial is not None:
            del self.waiting[lease_id]
            code, retry_after_s = self.denial
            self._answer(Deny(lease_id, code, "as the test says", retry_after_s))

    def grant(self, lease_id: str, worker: str, degraded: str | None = None) -> None:
        del self.waiting[lease_id]
        self.held[lease_id] = worker
        self._answer(Grant(lease_id, worker, degraded))

    def come_up(self, *workers: str) -> None:
        """Have workers up from now on, and grant them to who waits."""
        self.up.update(workers)
        for lease_id in tuple(self.waiting):
            self.decide(lease_id)

    def revoke(self, lease_id: str) -> None:
        self._answer(Revoke(lease_id, self.held.pop(lease_id)))

    @property
    def urgencies(self) -> list[Urgency]:
        """All urgencies in the order they were told."""
        return [urgency for _, urgency in self.told]


class Coordinator:
    """A book on a socket; several lives, each with a book of its own, if it is started again."""

    def __init__(self, runtime_dir: Path, *up: str) -> None:
        self._runtime_dir = runtime_dir
        self._up = up
        self.book = Book()
        self._server: LeaseServer | None = None

    async def start(self) -> Book:
        self.book = Book(*self._up)
        self._server = LeaseServer(self._runtime_dir, self.book)
        await self._server.start()
        return self.book

    async def stop(self) -> None:
        """End; what its book holds then is what it held when it died."""
        if self._server is not None:
            await self._server.stop()
            self._server = None
