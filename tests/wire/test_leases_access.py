"""With a coordinator: it picks the rung; what happens where the pick does not open, or nothing is picked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wire_harness.coordinator import Book, Coordinator
from wire_harness.waiting import until

from avatar_appliance.errors import (
    AvatarError,
    NoMemory,
    VoiceUnknown,
    WorkerBusy,
    WorkerFailed,
    WorkerLoading,
    WorkerUnavailable,
)
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.client import LeaseClient
from wyoming_servers.backends import climb
from wyoming_servers.backends.use import Use
from wyoming_servers.backends.worker_access import WorkerAccess

AWAY, BUSY, BROKEN = WorkerUnavailable("away"), WorkerBusy("busy"), WorkerFailed("broken")


@dataclass(eq=False)
class Rung:
    name: str
    errors: list[AvatarError] = field(default_factory=list)
    always: AvatarError | None = None
    worker: str = ""
    down_since_s: float | None = None
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    asked_idle: int = 0

    def __post_init__(self) -> None:
        self.worker = self.worker or self.name

    async def wait_idle(self) -> None:
        self.asked_idle += 1
        await self.idle.wait()

    async def open(self) -> str:
        error = self.errors.pop(0) if self.errors else self.always
        if error is not None:
            raise error
        return f"opened {self.name}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb, "RETRY_INTERVAL_S", 0.002)
    monkeypatch.setattr(climb, "RESTART_WAIT_S", 0.2)


@pytest.fixture
async def book(runtime_dir: Path) -> AsyncIterator[Book]:
    coordinator = Coordinator(runtime_dir, "best", "second")
    yield await coordinator.start()
    await coordinator.stop()


@pytest.fixture
async def access(runtime_dir: Path, book: Book) -> AsyncIterator[WorkerAccess]:
    client = LeaseClient(runtime_dir, "test")
    task = asyncio.create_task(client.run())
    await until(lambda: client.connected)
    made = WorkerAccess(client, wait_s=2.0)
    yield made
    await made.aclose()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def opened(access: WorkerAccess, *rungs: Rung, patience_s: float = 0.0) -> Use[Rung, str]:
    return await access.open(rungs, Rung.open, urgency=Urgency.FIRST, patience_s=patience_s)


def ladders(book: Book) -> list[tuple[str, ...]]:
    return [request.ladder for request in book.requests]


async def test_the_pick_is_opened_and_held_until_it_is_left(access: WorkerAccess, book: Book) -> None:
    best = Rung("best")
    with await opened(access, best, Rung("second")) as use:
        assert (use.rung, use.opened, use.degraded) == (best, "opened best", None)
        assert list(book.held.values()) == ["best"]
    await until(lambda: not book.held)
    assert best.asked_idle == 0


async def test_the_coordinator_picks_and_says_why(access: WorkerAccess, book: Book) -> None:
    book.up.discard("best")
    use = await opened(access, Rung("best"), Rung("second"))
    assert (use.rung.name, use.degraded) == ("second", "second instead of best: test")


@pytest.mark.parametrize("error", [BUSY, BROKEN])
async def test_a_pick_that_does_not_open_is_given_back_and_not_asked_for_again(
    access: WorkerAccess, book: Book, error: AvatarError
) -> None:
    use = await opened(access, Rung("best", always=error), Rung("second"), patience_s=10)
    assert ladders(book) == [("best", "second"), ("second",)]
    assert (use.rung.name, use.degraded) == ("second", f"second instead of best: {error.code}")
    await until(lambda: list(book.held.values()) == ["second"])


async def test_a_pick_that_restarts_in_time_keeps_its_turn(access: WorkerAccess, book: Book) -> None:
    use = await opened(access, Rung("best", errors=[AWAY] * 3), Rung("second"), patience_s=10)
    assert (use.rung.name, use.degraded) == ("best", None)
    assert ladders(book) == [("best", "second")] * 4


async def test_the_only_worker_is_waited_for_and_then_its_trouble_told(access: WorkerAccess, book: Book) -> None:
    with pytest.raises(WorkerUnavailable, match="away"):
        await opened(access, Rung("best", always=AWAY))
    assert set(ladders(book)) == {("best",)}
    assert len(book.requests) > 2
    await until(lambda: not book.held)


async def test_where_the_rest_of_the_ladder_is_denied_all_of_it_is_asked_for_again(
    access: WorkerAccess, book: Book
) -> None:
    """The best one restarts, the second does not fit: the best one is back in a moment."""
    book.up.discard("second")
    book.denial = ("no-memory", None)
    use = await opened(access, Rung("best", errors=[AWAY] * 2), Rung("second"))
    assert use.rung.name == "best"
    whole, rest = ("best", "second"), ("second",)
    assert ladders(book) == [whole, rest, whole, rest, whole]


async def test_a_denial_of_the_whole_ladder_is_told_at_once(access: WorkerAccess, book: Book) -> None:
    book.up.clear()
    book.denial = ("no-memory", 1.0)
    with pytest.raises(NoMemory):
        await opened(access, Rung("best"), Rung("second"))
    assert len(book.requests) == 1


@pytest.mark.parametrize(("retry_after_s", "asked_again"), [(None, True), (0.05, True), (60.0, False)])
async def test_a_loading_worker_is_asked_for_again_where_it_can_be_in_time(
    access: WorkerAccess, book: Book, retry_after_s: float | None, asked_again: bool
) -> None:
    book.up.clear()
    book.denial = ("worker-loading", retry_after_s)
    with pytest.raises(WorkerLoading):
        await opened(access, Rung("best"))
    assert (len(book.requests) > 1) is asked_again


async def test_rungs_of_one_worker_are_one_wish(access: WorkerAccess, book: Book) -> None:
    voices = [Rung("deep", worker="second"), Rung("high", worker="second"), Rung("robot", worker="best")]
    use = await opened(access, *voices)
    assert ladders(book) == [("second", "best")]
    assert use.rung is voices[0]


async def test_what_nobody_asked_for_is_given_back(access: WorkerAccess, book: Book) -> None:
    book.up.clear()
    opening = asyncio.create_task(opened(access, Rung("best")))
    await until(lambda: book.waiting)
    book.grant(next(iter(book.waiting)), "other")
    with pytest.raises(WorkerUnavailable):
        await opening
    await until(lambda: not book.held)


@pytest.mark.parametrize("error", [VoiceUnknown("x"), ZeroDivisionError()])
async def test_what_is_no_trouble_of_a_workers_is_raised_at_once(access: WorkerAccess, book: Book, error: Any) -> None:
    best = Rung("best", always=error)
    best.idle.set()
    with pytest.raises(type(error)):
        await opened(access, best, Rung("second"))
    assert len(book.requests) == 1
    await until(lambda: not book.held)


async def test_cancelled_while_it_opens_the_lease_ends_when_the_worker_is_idle(
    access: WorkerAccess, book: Book
) -> None:
    best, begun = Rung("best"), asyncio.Event()

    async def slow(_rung: Rung) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    opening = asyncio.create_task(access.open([best], slow, urgency=Urgency.FIRST))
    await begun.wait()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await until(lambda: best.asked_idle)
    assert list(book.held.values()) == ["best"]
    best.idle.set()
    await until(lambda: not book.held)


@pytest.mark.parametrize(
    ("error", "asks"), [(BUSY, False), (BROKEN, True), (ConnectionResetError(), True), (ZeroDivisionError(), True)]
)
async def test_left_with_an_error_the_worker_is_asked_unless_it_never_began(
    access: WorkerAccess, book: Book, error: Exception, asks: bool
) -> None:
    best = Rung("best")
    with pytest.raises(type(error)), await opened(access, best):
        raise error
    if asks:
        await until(lambda: best.asked_idle)
        assert book.held
        best.idle.set()
    await until(lambda: not book.held)
    assert best.asked_idle == int(asks)


async def test_the_end_of_a_server_waits_for_no_worker(access: WorkerAccess, book: Book) -> None:
    with pytest.raises(ZeroDivisionError), await opened(access, Rung("best")):
        raise ZeroDivisionError
    async with asyncio.timeout(1):
        await access.aclose()
    await until(lambda: not book.held)


async def test_a_ladder_longer_than_a_message_may_have_is_asked_for_in_part(access: WorkerAccess, book: Book) -> None:
    use = await opened(access, Rung("best"), *(Rung(f"more-{number}") for number in range(60)))
    assert use.rung.name == "best"
    assert len(ladders(book)[0]) == 32
