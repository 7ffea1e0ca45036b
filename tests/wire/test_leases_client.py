"""Leases over the real socket: asked for, given back, declared again; cancelled is never granted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from wire_harness.coordinator import Book, Coordinator
from wire_harness.waiting import until
from wyoming.event import Event

from avatar_appliance.coordinator.actions import DenyCode
from avatar_appliance.coordinator.events import Cancelled, Declared, Released, Requested
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
from avatar_appliance.leases import Urgency
from avatar_appliance.leases import client as client_module
from avatar_appliance.leases.client import LeaseClient
from avatar_appliance.leases.lease import Lease


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_RECONNECT_S", 0.005)
    monkeypatch.setattr(client_module, "LONGEST_RECONNECT_S", 0.02)


@pytest.fixture
async def coordinator(runtime_dir: Path) -> AsyncIterator[Coordinator]:
    running = Coordinator(runtime_dir, "whisper", "piper")
    await running.start()
    yield running
    await running.stop()


@contextlib.asynccontextmanager
async def client_of(runtime_dir: Path, name: str = "asr") -> AsyncIterator[LeaseClient]:
    """A data-plane process, ended by leaving."""
    client = LeaseClient(runtime_dir, name)
    task = asyncio.create_task(client.run())
    try:
        await until(lambda: client.connected)
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def client(runtime_dir: Path, coordinator: Coordinator) -> AsyncIterator[LeaseClient]:
    async with client_of(runtime_dir) as connected:
        yield connected


@contextlib.asynccontextmanager
async def impostor(
    runtime_dir: Path, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[LeaseClient]:
    """A client, and something else than a coordinator behind its socket."""
    serving: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()

    listener = await asyncio.start_unix_server(accept, runtime_dir / "coordinator.sock")
    client = LeaseClient(runtime_dir, "asr")
    task = asyncio.create_task(client.run())
    try:
        yield client
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        listener.close()
        await asyncio.gather(*serving)


async def lease_of(client: LeaseClient, *ladder: str, urgency: Urgency = Urgency.FIRST, wait_s: float = 5) -> Lease:
    return await client.request(ladder or ("whisper",), urgency=urgency, wait_s=wait_s)


async def test_a_lease_is_given_and_given_back(client: LeaseClient, coordinator: Coordinator) -> None:
    book = coordinator.book
    async with await client.request(
        ["whisper", "small"], urgency=Urgency.IDLE, wait_s=1.5, warm=["chat", "piper"]
    ) as lease:
        assert (lease.worker, lease.degraded) == ("whisper", None)
        assert list(book.held.values()) == ["whisper"]
    await until(lambda: not book.held)
    (request,) = book.requests
    assert request.ladder == ("whisper", "small")
    assert request.urgency is Urgency.IDLE
    assert request.warm == ("chat", "piper")
    assert request.client == "asr"
    lease.release()  # a second time is nothing
    assert [type(event) for event in book.events] == [Requested, Released]


async def test_the_deadline_is_by_the_coordinators_clock(client: LeaseClient, coordinator: Coordinator) -> None:
    import time

    before_s = time.monotonic()
    await lease_of(client, wait_s=1.5)
    (request,) = coordinator.book.requests
    assert before_s + 1.5 <= request.deadline_s <= time.monotonic() + 1.5


async def test_a_lower_rung_says_why(client: LeaseClient) -> None:
    lease = await lease_of(client, "large", "whisper")
    assert (lease.worker, lease.degraded) == ("whisper", "whisper instead of large: test")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("no-memory", NoMemory),
        ("worker-loading", WorkerLoading),
        ("worker-failed", WorkerFailed),
        ("server-full", ServerFull),
        ("guest-mode", GuestMode),
        ("worker-unavailable", WorkerUnavailable),
    ],
)
async def test_a_denial_is_the_error_of_its_code(
    client: LeaseClient, coordinator: Coordinator, code: DenyCode, kind: type[AvatarError]
) -> None:
    coordinator.book.denial = (code, 3.5)
    with pytest.raises(kind) as caught:
        await lease_of(client, "large")
    assert caught.value.code == code
    assert caught.value.retry_after_s == 3.5
    assert caught.value.text == "as the test says"


async def test_a_cancelled_request_is_never_granted(client: LeaseClient, coordinator: Coordinator) -> None:
    book = coordinator.book
    asking = asyncio.create_task(lease_of(client, "large"))
    await until(lambda: book.waiting)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: not book.waiting)
    assert isinstance(book.events[-1], Cancelled)
    book.come_up("large")
    await lease_of(client, "large")  # and the connection goes on
    assert len(book.held) == 1


async def test_a_request_cancelled_while_the_grant_is_under_way_gives_it_back(
    client: LeaseClient, coordinator: Coordinator
) -> None:
    book = coordinator.book
    asking = asyncio.create_task(lease_of(client, "large"))
    await until(lambda: book.waiting)
    book.come_up("large")  # the answer is written, and not read yet
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: not book.held)
    assert isinstance(book.events[-1], Released)
    assert client.connected


async def test_a_request_cancelled_when_its_grant_was_just_read_gives_it_back(
    client: LeaseClient, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is here, and its asker did not run yet."""
    book = coordinator.book
    hear = LeaseClient._hear

    def hear_and_cancel(self: LeaseClient, event: Event) -> None:
        hear(self, event)
        if event.type == "lease-given" and event.data["worker"] == "large":
            asking.cancel()

    monkeypatch.setattr(LeaseClient, "_hear", hear_and_cancel)
    await lease_of(client)  # from the next message on
    asking = asyncio.create_task(lease_of(client, "large"))
    await until(lambda: book.waiting)
    book.come_up("large")
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: list(book.held.values()) == ["whisper"])
    assert len(client._held) == 1


async def test_urgencies_arrive_in_order_and_each_once(client: LeaseClient, coordinator: Coordinator) -> None:
    lease = await lease_of(client, urgency=Urgency.IDLE)
    for urgency in (Urgency.FINAL, Urgency.FINAL, Urgency.LATER, Urgency.IDLE, Urgency.BACKGROUND, Urgency.FIRST):
        lease.set_urgency(urgency)
    lease.release()
    lease.set_urgency(Urgency.FINAL)  # too late
    book = coordinator.book
    await until(lambda: isinstance(book.events[-1], Released))
    assert book.urgencies == [
        Urgency.IDLE, Urgency.FINAL, Urgency.LATER, Urgency.IDLE, Urgency.BACKGROUND, Urgency.FIRST,
    ]  # fmt: skip


async def test_the_death_of_a_process_ends_its_leases_and_requests_and_nobody_elses(
    runtime_dir: Path, client: LeaseClient, coordinator: Coordinator
) -> None:
    book = coordinator.book
    await lease_of(client)
    async with client_of(runtime_dir, "tts") as other:
        await lease_of(other, "piper")
        asking = asyncio.create_task(lease_of(other, "large"))
        await until(lambda: book.waiting)
        assert sorted(book.held.values()) == ["piper", "whisper"]
    await until(lambda: not book.waiting and list(book.held.values()) == ["whisper"])
    with pytest.raises(CoordinatorAway):
        await asking


async def test_two_processes_never_share_an_id(runtime_dir: Path, coordinator: Coordinator) -> None:
    async with client_of(runtime_dir) as one, client_of(runtime_dir) as other:
        one._prefix = other._prefix = "same"
        await lease_of(one)
        lease = await lease_of(other)
        assert len(coordinator.book.held) == 2
        lease.release()
        await until(lambda: len(coordinator.book.held) == 1)


async def test_a_revoked_lease_has_ended(client: LeaseClient, coordinator: Coordinator) -> None:
    book = coordinator.book
    lease = await lease_of(client)
    (lease_id,) = book.held
    book.revoke(lease_id)
    await lease.revoked.wait()
    lease.set_urgency(Urgency.IDLE)
    lease.release()
    await lease_of(client)
    assert not any(isinstance(event, Released) for event in book.events)


async def test_a_release_that_crosses_a_revocation_harms_nobody(client: LeaseClient, coordinator: Coordinator) -> None:
    book = coordinator.book
    lease = await lease_of(client)
    (lease_id,) = book.held
    book.revoke(lease_id)
    lease.release()  # the revocation is not read yet
    assert (await lease_of(client)).worker == "whisper"
    assert client.connected


async def test_away_is_said_at_once_and_leases_are_declared_to_the_next_life(
    client: LeaseClient, coordinator: Coordinator
) -> None:
    kept, given_back, changed = [await lease_of(client, urgency=Urgency.FIRST) for _ in range(3)]
    before = coordinator.book
    await coordinator.stop()
    assert len(before.held) == 3  # its end is not theirs: nothing is stopped for it in its last moment
    await until(lambda: not client.connected)
    with pytest.raises(CoordinatorAway):
        async with asyncio.timeout(0.1):
            await lease_of(client)
    given_back.release()
    changed.set_urgency(Urgency.LATER)
    book = await coordinator.start()
    await until(lambda: client.connected)
    assert all(isinstance(event, Declared) for event in book.events)
    assert sorted(book.told) == sorted(
        [(f"{kept.lease_id}@1", Urgency.FIRST), (f"{changed.lease_id}@1", Urgency.LATER)]
    )
    assert {event.client for event in book.events if isinstance(event, Declared)} == {"asr"}
    kept.release()
    changed.release()
    await until(lambda: not book.held)


async def test_a_worker_used_while_it_was_away_is_declared(runtime_dir: Path, coordinator: Coordinator) -> None:
    client = LeaseClient(runtime_dir, "asr")
    lease = client.hold("whisper", Urgency.FINAL)
    client.hold("piper", Urgency.FIRST).release()
    task = asyncio.create_task(client.run())
    await until(lambda: client.connected)
    assert coordinator.book.held == {f"{lease.lease_id}@1": "whisper"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_who_asks_when_the_coordinator_dies_is_told_so(client: LeaseClient, coordinator: Coordinator) -> None:
    asking = asyncio.create_task(lease_of(client, "large"))
    await until(lambda: coordinator.book.waiting)
    await coordinator.stop()
    with pytest.raises(CoordinatorAway):
        await asking


async def test_a_coordinator_that_does_not_answer_in_time_is_as_good_as_away(
    client: LeaseClient, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_GRACE_S", 0.01)
    with pytest.raises(CoordinatorAway):
        await lease_of(client, "large", wait_s=0.01)
    await until(lambda: not coordinator.book.waiting)
    await until(lambda: client.connected)  # it is tried again, and answers pings


async def test_a_process_that_only_accepts_is_never_asked(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control plane that hangs must not cost each turn its patience."""
    monkeypatch.setattr(client_module, "PONG_TIMEOUT_S", 0.01)
    accepted = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        await reader.read()

    async with impostor(runtime_dir, silent) as client:
        await until(lambda: accepted == 3)
        with pytest.raises(CoordinatorAway):
            await lease_of(client)


@pytest.mark.parametrize(
    "nonsense",
    [b"\x00\x01", b"{}\n", b'{"type": "lease-given"}\n', b'{"type": "lease-wanted"}\n', b"x" * 10_000, b"[" * 3000],
)
async def test_a_coordinator_that_talks_nonsense_is_left_and_tried_again(runtime_dir: Path, nonsense: bytes) -> None:
    lives = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal lives
        lives += 1
        await reader.readline()
        writer.write(nonsense)
        writer.write_eof()
        await reader.read()

    async with impostor(runtime_dir, babble) as client:
        await until(lambda: lives == 3)
        assert not client.connected


async def test_a_coordinator_that_stops_reading_costs_no_memory(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_UNSENT_BYTES", 4096)
    ended = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"type": "pong"}\n')
        await ended.wait()

    async with impostor(runtime_dir, deaf) as client:
        await until(lambda: client.connected)
        lease = client.hold("whisper", Urgency.FIRST)
        for _ in range(100_000):
            lease.set_urgency(Urgency.LATER if lease.urgency is Urgency.FIRST else Urgency.FIRST)
            if not client.connected:
                break
        assert not client.connected
        lease.release()
        ended.set()


async def test_many_ask_at_once_and_each_gets_his_own(client: LeaseClient, coordinator: Coordinator) -> None:
    leases = await asyncio.gather(*(lease_of(client, "whisper" if n % 2 else "piper") for n in range(50)))
    assert [lease.worker for lease in leases] == ["piper", "whisper"] * 25
    assert len({lease.lease_id for lease in leases}) == 50
    for lease in leases:
        lease.release()
    await until(lambda: not coordinator.book.held)


def test_a_book_of_the_tests_is_a_book(runtime_dir: Path) -> None:
    from avatar_appliance.coordinator.lease_server import LeaseServer

    LeaseServer(runtime_dir, Book())
