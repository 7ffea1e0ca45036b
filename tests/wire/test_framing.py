"""Frames within limits, and everything that is none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event, async_read_event

from avatar_appliance.errors import BadRequest, FrameTooLarge
from avatar_appliance.wire import FrameLimits, read_event, read_sized_event, write_event

LIMITS = FrameLimits(header_bytes=512, data_bytes=256, payload_bytes=1024)


async def read(sent: bytes, limits: FrameLimits = LIMITS) -> Event | None:
    reader = asyncio.StreamReader(limit=limits.header_bytes)
    reader.feed_data(sent)
    reader.feed_eof()
    return await read_event(reader, limits)


def frame(header: Any, data: bytes = b"", payload: bytes = b"") -> bytes:
    return json.dumps(header).encode() + b"\n" + data + payload


async def test_a_whole_event_is_read() -> None:
    sent = frame({"type": "x", "data_length": 7, "payload_length": 3}, b'{"a":1}', b"abc")
    assert await read(sent) == Event("x", {"a": 1}, b"abc")


async def test_data_in_the_header_and_behind_it_are_merged_and_the_latter_wins() -> None:
    sent = frame({"type": "x", "data": {"a": 1, "b": 2}, "data_length": 7}, b'{"a":3}')
    assert await read(sent) == Event("x", {"a": 3, "b": 2})


async def test_null_data_and_lengths_mean_none() -> None:
    assert await read(frame({"type": "x", "data": None, "data_length": None, "payload_length": None})) == Event("x")


async def test_events_follow_one_another() -> None:
    reader = asyncio.StreamReader(limit=LIMITS.header_bytes)
    reader.feed_data(frame({"type": "a", "payload_length": 1}, payload=b"1") + frame({"type": "b"}))
    reader.feed_eof()
    assert await read_event(reader, LIMITS) == Event("a", {}, b"1")
    assert await read_event(reader, LIMITS) == Event("b")
    assert await read_event(reader, LIMITS) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b'{"type": "x"}',  # no line end
        frame({"type": "x", "data_length": 10}, b"{"),
        frame({"type": "x", "payload_length": 10}, payload=b"short"),
    ],
)
async def test_half_a_message_is_the_end_of_the_stream(sent: bytes) -> None:
    assert await read(sent) is None


@pytest.mark.parametrize(
    "sent",
    [
        b"\n",
        b"no json\n",
        b"\xff\xfe\n",
        b"[1, 2]\n",
        b"null\n",
        frame({}),
        frame({"data": {}}),
        frame({"type": ""}),
        frame({"type": 5}),
        frame({"type": None}),
        frame({"type": "x", "data": []}),
        frame({"type": "x", "data": "text"}),
        frame({"type": "x", "data": 0}),
        frame({"type": "x", "data_length": -1}),
        frame({"type": "x", "data_length": "7"}),
        frame({"type": "x", "data_length": 1.5}),
        frame({"type": "x", "data_length": True}),
        frame({"type": "x", "payload_length": -5}),
        frame({"type": "x", "payload_length": []}),
        frame({"type": "x", "data_length": 4}, b"null"),
        frame({"type": "x", "data_length": 5}, b"{bad}"),
        frame({"type": "x", "data_length": 2}, b"\xff\xff"),
        frame({"type": "x", "data_length": 14}, b'{"a":"\\ud800"}'),
        frame({"type": "x", "data_length": 14}, b'{"\\udfff":"a"}'),
        b'{"type": "x", "data_length": ' + b"9" * 400 + b"}\n",
    ],
)
async def test_what_is_no_event_is_a_bad_request(sent: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        await read(sent)
    assert caught.value.code in ("bad-request", "frame-too-large")


@pytest.mark.parametrize("depth", [65, 200, 100_000])
@pytest.mark.parametrize("opening", [b'{"a":', b"["])
async def test_deep_json_is_a_bad_request(depth: int, opening: bytes) -> None:
    """Also where Python could parse it: it could not be written again from a deeper stack."""
    closing = b"}" if opening.startswith(b"{") else b"]"
    data = b'{"deep":' + opening * depth + b"1" + closing * depth + b"}"
    limits = FrameLimits(data_bytes=2**20)
    with pytest.raises(BadRequest):
        await read(frame({"type": "x", "data_length": len(data)}, data), limits)


async def test_many_brackets_side_by_side_are_no_depth() -> None:
    data = json.dumps({"items": [[] for _ in range(200)]}).encode()
    event = await read(frame({"type": "x", "data_length": len(data)}, data), FrameLimits())
    assert event is not None
    assert len(event.data["items"]) == 200


async def test_surrogate_pairs_are_text() -> None:
    data = b'{"a":"\\ud83d\\ude00"}'
    event = await read(frame({"type": "x", "data_length": len(data)}, data))
    assert event == Event("x", {"a": "😀"})


@pytest.mark.parametrize(
    "sent",
    [
        b'{"type": "' + b"x" * 600 + b'"}\n',
        b"x" * 5000,
        frame({"type": "x", "data_length": 257}),
        frame({"type": "x", "payload_length": 1025}),
        frame({"type": "x", "payload_length": 10**30}),
    ],
)
async def test_parts_beyond_the_limits_are_refused_before_they_are_read(sent: bytes) -> None:
    with pytest.raises(FrameTooLarge):
        await read(sent)


async def test_parts_at_the_limits_are_taken() -> None:
    data = b'{"a":"' + b"x" * 248 + b'"}'
    event = await read(frame({"type": "x", "data_length": 256, "payload_length": 1024}, data, bytes(1024)))
    assert event is not None
    assert event.payload == bytes(1024)


async def test_json_costs_more_memory_than_payload() -> None:
    """What an inbox is charged must cover the Python objects, which are far larger than their JSON."""
    data = b'{"a":[' + b"[]," * 60 + b"[]]}"
    reader = asyncio.StreamReader()
    reader.feed_data(frame({"type": "x", "data_length": len(data), "payload_length": 100}, data, bytes(100)))
    sized = await read_sized_event(reader, LIMITS)
    assert sized is not None
    assert sized[1] > 100 + 61 * 64


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(sent: bytes) -> None:
    async def attempt() -> None:
        try:
            await read(sent)
        except BadRequest:
            pass

    asyncio.run(attempt())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    kind=st.text(st.characters(codec="utf-8"), min_size=1, max_size=10),
    data=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), JSON, max_size=4),
    payload=st.none() | st.binary(min_size=1, max_size=50),
)
def test_what_is_written_is_read_the_same_by_us_and_by_the_library(
    kind: str, data: dict[str, Any], payload: bytes | None
) -> None:
    async def attempt() -> None:
        event = Event(kind, data, payload)
        for read_back in (lambda reader: read_event(reader, FrameLimits()), async_read_event):
            reader = asyncio.StreamReader()
            await write_event(_Into(reader), event)  # type: ignore[arg-type]
            assert await read_back(reader) == event

    asyncio.run(attempt())


class _Into:
    """As much of a StreamWriter as writing an event needs."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.write = reader.feed_data

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.write(b"".join(parts))

    async def drain(self) -> None: ...
