"""Listeners: each hears what matters, and none can harm the rest."""

from __future__ import annotations

import asyncio
import logging

import pytest

from avatar_appliance.processes import ProcessState, ProcessStatus, StatusChanges
from avatar_appliance.processes.changes import ChangeStream


def status(name: str, text: str = "") -> ProcessStatus:
    return ProcessStatus(name, ProcessState.READY, since=0.0, status_text=text)


async def _rest(stream: ChangeStream) -> list[str]:
    stream.close()
    return [f"{status.name}{status.status_text}" async for status in stream]


async def test_a_stream_has_what_was_published_since_it_was_opened_in_order() -> None:
    changes = StatusChanges()
    changes.publish(status("before"))
    with changes.stream() as one, changes.stream() as two:
        changes.publish(status("a"))
        changes.publish(status("b"))
        assert await _rest(one) == ["a", "b"]
        changes.publish(status("c"))
        assert await _rest(two) == ["a", "b", "c"]


async def test_a_waiting_reader_is_woken_and_ends_with_the_stream() -> None:
    changes = StatusChanges()
    stream = changes.stream()

    async def read() -> list[str]:
        return [status.name async for status in stream]

    reader = asyncio.create_task(read())
    await asyncio.sleep(0)
    changes.publish(status("a"))
    await asyncio.sleep(0)
    changes.close()
    assert await reader == ["a"]


async def test_a_slow_reader_loses_superseded_statuses_only() -> None:
    changes = StatusChanges()
    with changes.stream(limit=4) as stream:
        changes.publish(status("rare", "!"))
        for number in range(100):
            changes.publish(status("busy", str(number)))
        assert await _rest(stream) == ["rare!", "busy97", "busy98", "busy99"]


async def test_the_last_status_of_each_process_arrives_even_beyond_the_limit() -> None:
    changes = StatusChanges()
    with changes.stream(limit=2) as stream:
        for _ in range(2):
            for name in "abcd":
                changes.publish(status(name))
        assert sorted(await _rest(stream)) == ["a", "b", "c", "d"]


async def test_a_callback_that_raises_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    changes = StatusChanges()
    heard: list[str] = []

    def broken(status: ProcessStatus) -> None:
        raise RuntimeError("what somebody said")

    changes.on_change(broken)
    forget = changes.on_change(lambda status: heard.append(status.name))
    with caplog.at_level(logging.INFO):
        changes.publish(status("a"))
    assert "RuntimeError" in caplog.text
    assert "what somebody said" not in caplog.text
    forget()
    forget()
    changes.publish(status("b"))
    assert heard == ["a"]


async def test_a_callback_may_end_itself_while_it_is_called() -> None:
    changes = StatusChanges()
    heard: list[str] = []
    forget = changes.on_change(lambda status: (heard.append("one"), forget()))  # type: ignore[func-returns-value]
    changes.on_change(lambda status: heard.append("two"))
    changes.publish(status("a"))
    changes.publish(status("b"))
    assert heard == ["one", "two", "two"]
