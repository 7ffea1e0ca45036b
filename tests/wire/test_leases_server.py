"""The lease socket against clients that are not ours: nothing they send harms anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from wire_harness.coordinator import Book, Coordinator
from wire_harness.waiting import until

from avatar_appliance.coordinator import lease_server
from avatar_appliance.coordinator.events import Cancelled, Released
from avatar_appliance.leases.messages import LIMITS, MOST_LEASES


@pytest.fixture
async def coordinator(runtime_dir: Path) -> AsyncIterator[Coordinator]:
    running = Coordinator(runtime_dir, "whisper")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def book(coordinator: Coordinator) -> Book:
    return coordinator.book


class Raw:
    """A connection that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, kind: str, **data: Any) -> None:
        self.writer.write(json.dumps({"type": kind, "data": data}).encode() + b"\n")

    def want(self, lease_id: str = "x-1", *ladder: str, **data: Any) -> None:
        self.send(
            "lease-wanted",
            **{"lease_id": lease_id, "ladder": list(ladder or ["whisper"]), "urgency": "first", "wait_s": 1, **data},
        )

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            header = json.loads(await self.reader.readline())
            data = json.loads(await self.reader.readexactly(header.get("data_length") or 0) or b"{}")
        return {"type": header["type"], **data}

    async def ended(self) -> bool:
        """Whether the next thing is the end."""
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    async def code(self) -> str:
        """The code of the error that must come next, and then the end."""
        event = await self.receive()
        assert event["type"] == "error", event
        assert await self.ended()
        return str(event["code"])


@contextlib.asynccontextmanager
async def raw(runtime_dir: Path) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_unix_connection(runtime_dir / "coordinator.sock")
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


async def test_only_this_user_may_open_it_and_it_goes_with_the_server(
    runtime_dir: Path, coordinator: Coordinator
) -> None:
    path = runtime_dir / "coordinator.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await coordinator.stop()
    assert not path.exists()


async def test_a_left_over_socket_is_replaced_and_a_successors_is_left_alone(
    runtime_dir: Path, coordinator: Coordinator
) -> None:
    successor = Coordinator(runtime_dir, "whisper")
    await successor.start()
    await coordinator.stop()
    async with raw(runtime_dir) as client:
        client.want()
        assert (await client.receive())["type"] == "lease-given"
    await successor.stop()


GARBAGE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\n",
    b"{}\n",
    b'{"type": 5}\n',
    b'{"type": "unheard-of"}\n',
    b'{"type": "lease-given", "data": {"lease_id": "x", "worker": "whisper"}}\n',
    b'{"type": "lease-wanted"}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x", "ladder": [], "urgency": "first", "wait_s": 1}}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x", "ladder": ["a"], "urgency": "now", "wait_s": 1}}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x", "ladder": ["a"], "urgency": "first", "wait_s": 1e9}}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x", "ladder": ["a"], "urgency": "first", "wait_s": NaN}}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x", "ladder": ["A B"], "urgency": "first", "wait_s": 1}}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x@7", "ladder": ["a"], "urgency": "first", "wait_s": 1}}\n',
    b'{"type": "lease-wanted", "data": {"lease_id": "x", "ladder": ["a"], "urgency": "first", "wait_s": 1, "y": 1}}\n',
    b'{"type": "lease-ended", "data": {"lease_id": "' + b"x" * 200 + b'"}}\n',
    b'{"type": "lease-ended", "data": {"lease_id": "x"}, "payload_length": 1}\nx',
    b'{"type": "lease-ended", "data_length": 99999999999}\n',
    b'{"type": "' + b"x" * 100_000 + b'"}\n',
    b'{"type": "lease-ended", "data": ' + b"[" * 2000 + b"]" * 2000 + b"}\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_is_refused_and_harms_nobody(runtime_dir: Path, book: Book, garbage: bytes) -> None:
    async with raw(runtime_dir) as other, raw(runtime_dir) as client:
        other.want("other-1")
        await other.receive()
        client.writer.write(garbage)
        assert await client.code() in ("bad-request", "frame-too-large")
        other.want("other-2")
        assert (await other.receive())["type"] == "lease-given"
        assert len(book.held) == 2


async def test_half_a_message_is_the_end_of_a_client(runtime_dir: Path, book: Book) -> None:
    async with raw(runtime_dir) as client:
        client.want()
        await client.receive()
        client.writer.write(b'{"type": "lease-ended", "data_length": 100}\n{"te')
        client.writer.write_eof()
        assert await client.ended()
    await until(lambda: not book.held)


async def test_an_id_used_twice_is_an_error_and_ends_all(runtime_dir: Path, book: Book) -> None:
    for first_ends in (False, True):
        async with raw(runtime_dir) as client:
            client.want("x-1")
            await client.receive()
            if first_ends:
                client.send("lease-ended", lease_id="x-1")
            client.want("x-1")
            assert await client.code() == "bad-request"
        await until(lambda: not book.held)


@pytest.mark.parametrize("kind", ["lease-ended", "lease-urgency"])
async def test_another_connections_lease_is_out_of_reach(runtime_dir: Path, book: Book, kind: str) -> None:
    async with raw(runtime_dir) as owner, raw(runtime_dir) as thief:
        owner.want("owner-1")
        await owner.receive()
        thief.send(kind, lease_id="owner-1", **({"urgency": "idle"} if kind == "lease-urgency" else {}))
        assert await thief.code() == "bad-request"
        assert list(book.held.values()) == ["whisper"]
        # The same name is no obstacle either: it is another lease.
        async with raw(runtime_dir) as namesake:
            namesake.want("owner-1")
            assert (await namesake.receive())["type"] == "lease-given"


async def test_a_request_without_an_answer_yet_can_be_taken_back_and_its_urgency_told(
    runtime_dir: Path, book: Book
) -> None:
    async with raw(runtime_dir) as client:
        client.want("x-1", "large")
        await until(lambda: book.waiting)
        client.send("lease-ended", lease_id="x-1")
        client.send("lease-ended", lease_id="x-1")  # twice is once
        client.send("ping")
        assert (await client.receive())["type"] == "pong"
        assert [type(event) for event in book.events[1:]] == [Cancelled]


async def test_one_connection_holds_so_many_leases_and_no_more(runtime_dir: Path, book: Book) -> None:
    async with raw(runtime_dir) as client:
        for number in range(MOST_LEASES):
            client.want(f"x-{number}")
            assert (await client.receive())["type"] == "lease-given"
        client.want("x-more")
        denied = await client.receive()
        assert (denied["type"], denied["code"]) == ("lease-denied", "server-full")
        client.send("lease-ended", lease_id="x-0")
        client.want("x-again")
        assert (await client.receive())["type"] == "lease-given"
        client.send("lease-held", lease_id="x-held", worker="whisper", urgency="idle")
        assert await client.code() == "bad-request"
    await until(lambda: not book.held)
    assert sum(isinstance(event, Released) for event in book.events) == MOST_LEASES + 1


async def test_one_connection_too_many_is_refused(
    runtime_dir: Path, coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await coordinator.stop()
    monkeypatch.setattr(lease_server, "MAX_CONNECTIONS", 2)
    await coordinator.start()
    async with raw(runtime_dir) as one, raw(runtime_dir) as two:
        for client in (one, two):
            client.want()
            await client.receive()
        async with raw(runtime_dir) as three:
            assert await three.code() == "server-full"
        one.want("x-2")
        assert (await one.receive())["type"] == "lease-given"


async def test_who_does_not_read_his_answers_is_not_listened_to_and_the_others_are(
    runtime_dir: Path, book: Book
) -> None:
    book.denial = ("no-memory", None)
    async with raw(runtime_dir) as flood, raw(runtime_dir) as client:
        requests = b"".join(
            json.dumps(
                {
                    "type": "lease-wanted",
                    "data": {"lease_id": f"x-{number}", "ladder": ["large"], "urgency": "first", "wait_s": 1},
                }
            ).encode()
            + b"\n"
            for number in range(20_000)
        )
        flood.writer.write(requests)
        while True:  # until nothing of it is taken any more
            seen = len(book.requests)
            for number in range(20):
                client.want(f"c-{seen}-{number}")
                assert (await client.receive())["type"] == "lease-given"
                client.send("lease-ended", lease_id=f"c-{seen}-{number}")
            if len(book.requests) - seen <= 20:
                break
        assert len(book.requests) < 20_000


async def test_long_texts_and_strange_times_of_the_book_still_fit_the_wire(
    runtime_dir: Path, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatar_appliance.coordinator.actions import Deny, Grant

    async with raw(runtime_dir) as client:
        client.want("x-1", "large")
        client.want("x-2", "large")
        await until(lambda: len(book.waiting) == 2)
        first, second = book.waiting
        book._answer(Deny(first, "no-memory", "n" * 2000, -1e-9))
        denied = await client.receive()
        assert denied["text"] == "n" * 512
        assert denied["retry_after_s"] == 0
        book._answer(Grant(second, "large", "d" * 2000))
        assert (await client.receive())["degraded"] == "d" * 512
        book.waiting.clear()
        book.held[second] = "large"
    await until(lambda: not book.held)


async def test_answers_to_nobody_are_dropped(runtime_dir: Path, book: Book) -> None:
    from avatar_appliance.coordinator.actions import Deny, Grant, Revoke

    async with raw(runtime_dir) as client:
        client.want("x-1")
        await client.receive()
        for name in ("x-1@99", "y@1", "nonsense", "a@b", "@", "x-1@1"):
            book._answer(Deny(name, "no-memory", ""))
            book._answer(Grant(name, "whisper"))
            if name != "x-1@1":
                book._answer(Revoke(name, "whisper"))
        client.send("ping")
        assert (await client.receive())["type"] == "pong"


def test_the_limits_hold_the_largest_message() -> None:
    from avatar_appliance.leases.messages import LeaseWanted, to_event
    from avatar_appliance.wire import event_bytes

    names = tuple(f"{number:02}{'w' * 61}" for number in range(32))
    wanted = LeaseWanted(lease_id="x" * 128, ladder=names, urgency="background", wait_s=59.9, warm=names)
    assert len(event_bytes(to_event(wanted))) < LIMITS.data_bytes
