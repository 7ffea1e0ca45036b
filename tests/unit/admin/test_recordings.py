from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_appliance.admin.api.byte_range import ByteRange, requested_range
from avatar_appliance.admin.errors import RangeNotSatisfiable
from avatar_appliance.store import Store

from .conftest import MakeTurn


async def test_a_recording_is_played_in_place_and_never_cached(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes
) -> None:
    turn = await save_turn(heard=wav)
    answer = await client.get(f"/api/turns/{turn.id}/audio/in")
    assert answer.status_code == 200
    assert answer.content == wav
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(wav))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"] == f'inline; filename="{turn.id}-in.wav"'


async def test_head_gives_the_headers_alone(client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes) -> None:
    turn = await save_turn(heard=wav)
    answer = await client.head(f"/api/turns/{turn.id}/audio/in")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(wav))
    assert answer.content == b""


async def test_an_answer_in_pieces_has_parts(client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes) -> None:
    turn = await save_turn(spoken=[wav + b"1", wav + b"2"])
    listed = (await client.get(f"/api/turns/{turn.id}")).json()["audio_out"]
    contents = [(await client.get(each["url"])).content[-1:] for each in listed]
    assert contents == [b"1", b"2"]


@pytest.mark.parametrize("path", ["in", "out", "out?part=2"])
async def test_what_was_not_kept_is_not_found(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes, path: str
) -> None:
    turn = await save_turn(spoken=[wav] if path == "out?part=2" else ())
    answer = await client.get(f"/api/turns/{turn.id}/audio/{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_a_row_whose_file_is_gone_is_not_found(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, wav: bytes
) -> None:
    turn = await save_turn(heard=wav)
    assert turn.audio_in is not None
    await store.audio.delete([turn.audio_in.name])
    assert (await client.get(f"/api/turns/{turn.id}/audio/in")).status_code == 404


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-", 0, None),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10-99999999999", 10, None),
        ("bytes=-7", -7, None),
        ("bytes=-99999", 0, None),
        ("BYTES=5-6", 5, 7),
    ],
)
async def test_a_player_can_seek(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes, header: str, start: int, end: int | None
) -> None:
    turn = await save_turn(heard=wav)
    answer = await client.get(f"/api/turns/{turn.id}/audio/in", headers={"Range": header})
    expected = wav[start:end]
    first = range(len(wav))[start:end].start
    assert answer.status_code == 206
    assert answer.content == expected
    assert answer.headers["content-length"] == str(len(expected))
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(wav)}"


@pytest.mark.parametrize("header", ["bytes=5-4", "bytes=a-b", "bytes=-", "seconds=0-1", "bytes=0-1,3-4", "", "bytes"])
async def test_a_range_we_do_not_understand_gives_everything(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes, header: str
) -> None:
    turn = await save_turn(heard=wav)
    answer = await client.get(f"/api/turns/{turn.id}/audio/in", headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, wav)


@pytest.mark.parametrize("header", ["bytes={size}-", "bytes=99999-100000", "bytes=-0"])
async def test_a_range_outside_of_the_recording_is_416(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes, header: str
) -> None:
    turn = await save_turn(heard=wav)
    answer = await client.get(f"/api/turns/{turn.id}/audio/in", headers={"Range": header.format(size=len(wav))})
    assert answer.status_code == 416
    assert answer.json()["code"] == "range-not-satisfiable"
    assert answer.headers["content-range"] == f"bytes */{len(wav)}"


async def test_a_range_of_another_version_gives_everything(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes
) -> None:
    path = f"/api/turns/{(await save_turn(heard=wav)).id}/audio/in"
    etag = (await client.get(path)).headers["etag"]
    same = await client.get(path, headers={"Range": "bytes=0-3", "If-Range": etag})
    other = await client.get(path, headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


@given(first=st.integers(0, 99), length=st.integers(1, 200), size_bytes=st.integers(1, 100))
def test_every_range_stays_within_the_recording(first: int, length: int, size_bytes: int) -> None:
    header = f"bytes={first}-{first + length - 1}"
    if first >= size_bytes:
        with pytest.raises(RangeNotSatisfiable):
            requested_range(header, size_bytes)
        return
    found = requested_range(header, size_bytes)
    assert found == ByteRange(first, min(first + length, size_bytes) - 1, size_bytes)
    assert 1 <= found.length <= length
