"""The one thread of an engine: one call at a time, a bounded queue, and cancelled is not idle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from wire_harness.waiting import until

from avatar_appliance.errors import WorkerBusy
from wyoming_servers.workers.engine import EngineThread, StopFlag


@pytest.fixture
def thread() -> Iterator[EngineThread]:
    engine = EngineThread(max_waiting=2, wait_s=10)
    yield engine
    engine.close()


class Call:
    """An engine call that goes on until released, deaf to the stop flag."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()
        self.stop: StopFlag | None = None
        self.ended = threading.Event()

    def __call__(self, stop: StopFlag) -> str:
        self.stop = stop
        self.begun.set()
        assert self.release.wait(30)
        self.ended.set()
        return "result"


async def test_a_call_runs_in_a_thread_of_its_own_and_returns(thread: EngineThread) -> None:
    name = await thread.call(lambda _stop: threading.current_thread().name)
    assert name.startswith("engine")
    assert not thread.busy


async def test_an_exception_reaches_the_caller_and_frees_the_thread(thread: EngineThread) -> None:
    def broken(_stop: StopFlag) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await thread.call(broken)
    assert await thread.call(lambda _stop: 1) == 1


async def test_a_cancelled_call_is_told_to_stop_and_keeps_the_thread_until_it_really_ended(
    thread: EngineThread,
) -> None:
    deaf = Call()
    caller = asyncio.create_task(thread.call(deaf))
    await until(deaf.begun.is_set)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller  # at once, though the call still runs
    assert deaf.stop is not None
    assert deaf.stop.is_set()
    assert thread.busy
    next_one = asyncio.create_task(thread.call(lambda _stop: deaf.ended.is_set()))
    await until(lambda: thread.waiting == 1)
    deaf.release.set()
    assert await next_one is True
    assert not thread.busy


async def test_the_failure_of_a_cancelled_call_troubles_nobody(thread: EngineThread) -> None:
    go = threading.Event()

    def broken(_stop: StopFlag) -> None:
        go.wait(30)
        raise ZeroDivisionError

    caller = asyncio.create_task(thread.call(broken))
    await until(lambda: thread.busy)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    go.set()
    await until(lambda: not thread.busy)


async def test_callers_are_served_in_order(thread: EngineThread) -> None:
    first = Call()
    order: list[int] = []
    tasks = [asyncio.create_task(thread.call(first))]
    await until(first.begun.is_set)
    for number in range(2):
        tasks.append(asyncio.create_task(thread.call(lambda _stop, n=number: order.append(n))))
        await until(lambda n=number: thread.waiting == n + 1)
    first.release.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1]


async def test_a_full_queue_is_busy_at_once(thread: EngineThread) -> None:
    running = Call()
    tasks = [asyncio.create_task(thread.call(running))]
    tasks += [asyncio.create_task(thread.call(lambda _stop: "waited")) for _ in range(2)]
    await until(lambda: running.begun.is_set() and thread.waiting == 2)
    with pytest.raises(WorkerBusy):
        await thread.call(lambda _stop: None)
    with pytest.raises(WorkerBusy):
        await anext(thread.stream(lambda _stop: iter([1])))
    running.release.set()
    assert await asyncio.gather(*tasks) == ["result", "waited", "waited"]


async def test_a_wait_that_takes_too_long_is_busy_and_leaves_the_queue() -> None:
    thread = EngineThread(max_waiting=2, wait_s=0.02)
    running = Call()
    task = asyncio.create_task(thread.call(running))
    await until(running.begun.is_set)
    with pytest.raises(WorkerBusy):
        await thread.call(lambda _stop: None)
    assert thread.waiting == 0
    running.release.set()
    await task
    thread.close()


async def test_a_call_cancelled_while_it_waits_leaves_the_queue_and_never_runs(thread: EngineThread) -> None:
    running, cancelled = Call(), Call()
    task = asyncio.create_task(thread.call(running))
    await until(running.begun.is_set)
    waiting = asyncio.create_task(thread.call(cancelled))
    await until(lambda: thread.waiting == 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert thread.waiting == 0
    running.release.set()
    await task
    assert await thread.call(lambda _stop: "next") == "next"
    assert not cancelled.begun.is_set()


async def test_a_stream_yields_in_order_and_frees_the_thread(thread: EngineThread) -> None:
    assert [item async for item in thread.stream(lambda _stop: iter(range(100)))] == list(range(100))
    assert not thread.busy


async def test_a_stream_is_only_so_far_ahead_of_its_reader(thread: EngineThread) -> None:
    made = 0

    def endless(_stop: StopFlag) -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            yield made

    items = thread.stream(endless, ahead=3)
    assert await anext(items) == 1
    await until(lambda: made >= 4)
    assert await anext(items) == 2
    await until(lambda: made >= 5)
    # One more is made while the engine waits for room: two read, three ahead, one in its hand.
    assert made <= 2 + 3 + 1
    await items.aclose()
    await until(lambda: not thread.busy)
    assert made <= 2 + 3 + 2


async def test_the_exception_of_a_stream_comes_after_what_it_made(thread: EngineThread) -> None:
    def broken(_stop: StopFlag) -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    items = thread.stream(broken)
    assert await anext(items) == 1
    with pytest.raises(ZeroDivisionError):
        await anext(items)
    assert await thread.call(lambda _stop: 1) == 1


async def test_closing_a_stream_stops_it_even_where_it_waits_for_room(thread: EngineThread) -> None:
    closed = threading.Event()

    def endless(_stop: StopFlag) -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    items = thread.stream(endless, ahead=1)
    await anext(items)
    await items.aclose()
    await until(lambda: closed.is_set() and not thread.busy)


async def test_a_stream_cancelled_in_the_middle_keeps_the_thread_until_it_really_ended(thread: EngineThread) -> None:
    deaf = Call()

    def slow(stop: StopFlag) -> Iterator[str]:
        yield "first"
        yield deaf(stop)

    seen: list[str] = []

    async def listen() -> None:
        async for item in thread.stream(slow):
            seen.append(item)

    listening = asyncio.create_task(listen())
    await until(lambda: deaf.begun.is_set() and seen == ["first"])
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert deaf.stop is not None
    assert deaf.stop.is_set()
    assert thread.busy
    deaf.release.set()
    await until(lambda: not thread.busy)


async def test_a_closed_thread_takes_no_calls() -> None:
    thread = EngineThread(max_waiting=1, wait_s=1)
    thread.close()
    for _ in range(2):  # the second time too: the turn was not lost
        with pytest.raises(RuntimeError):
            await thread.call(lambda _stop: None)
