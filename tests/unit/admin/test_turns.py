from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from avatar_appliance.store import Stage, Store, Turn, new_turn_id

from .conftest import MakeTurn


async def _ids(client: httpx.AsyncClient, **query: str | int | float) -> list[str]:
    answer = await client.get("/api/turns", params=query)
    assert answer.status_code == 200
    return [turn["id"] for turn in answer.json()["items"]]


async def test_an_empty_history_is_an_empty_page(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/turns")).json() == {"items": [], "next_cursor": None}


async def test_pages_follow_each_other_without_gap_or_repetition(
    client: httpx.AsyncClient, save_turn: MakeTurn
) -> None:
    """Also among turns of the same moment, and while new ones arrive."""
    saved = [(await save_turn(1000.0 + n // 3)).id for n in range(10)]
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": "4"} | ({} if cursor is None else {"cursor": cursor})
        page = (await client.get("/api/turns", params=query)).json()
        seen += [turn["id"] for turn in page["items"]]
        await save_turn(5000.0)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 10
    assert set(seen) == set(saved)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"conversation": "talk-1"}, "ab"),
        ({"satellite": "assist_satellite.kitchen"}, "a"),
        ({"language": "zh"}, "b"),
        ({"language": "zh-TW"}, "b"),
        ({"status": "failed"}, "c"),
        ({"since": 2000}, "bc"),
        ({"until": 2000}, "a"),
        ({"since": "1970-01-01T00:33:20Z", "until": "1970-01-01T08:50:00+08:00"}, "b"),
        ({"q": "客廳"}, "b"),
        ({"q": "LIGHT on"}, "a"),
        ({"q": "nothing like it"}, ""),
        ({"q": "light", "status": "failed"}, ""),
        ({"q": '"AND* (', "limit": 5}, ""),
    ],
)
async def test_filters_and_search(
    client: httpx.AsyncClient, save_turn: MakeTurn, query: dict[str, str], expected: str
) -> None:
    saved = {
        "a": await save_turn(1000, conversation_id="talk-1", satellite_id="assist_satellite.kitchen", language="en"),
        "b": await save_turn(2000, conversation_id="talk-1", language="zh-TW", transcript="打開客廳的燈"),
        "c": await save_turn(3000, status="failed", transcript="what", error_code="worker-failed"),
    }
    found = set(await _ids(client, **query))
    assert found == {saved[name].id for name in expected}


async def test_a_turn_in_a_list_has_words_durations_and_recordings_but_no_stages(
    client: httpx.AsyncClient, save_turn: MakeTurn, wav: bytes
) -> None:
    turn = await save_turn(1000.5, heard=wav, spoken=[wav, wav], voice="joe", degraded="tts: piper")
    (found,) = (await client.get("/api/turns")).json()["items"]
    assert found == {
        "id": turn.id,
        "started_at": "1970-01-01T00:16:40.500000Z",
        "ended_at": "1970-01-01T00:16:42.500000Z",
        "status": "ok",
        "conversation_id": None,
        "satellite_id": None,
        "device_id": None,
        "language": None,
        "speaker": None,
        "transcript": "turn on the light",
        "rejected": None,
        "answer": "done",
        "voice": "joe",
        "degraded": "tts: piper",
        "error_code": None,
        "duration_ms": 2000.0,
        "answer_delay_ms": 750.0,
        "audio_in": {"url": f"/api/turns/{turn.id}/audio/in", "size_bytes": len(wav), "duration_s": 0.5},
        "audio_out": [
            {"url": f"/api/turns/{turn.id}/audio/out", "size_bytes": len(wav), "duration_s": 0.5},
            {"url": f"/api/turns/{turn.id}/audio/out?part=2", "size_bytes": len(wav), "duration_s": 0.5},
        ],
    }


async def test_a_turn_of_nobodys_words_says_why(client: httpx.AsyncClient, store: Store) -> None:
    """An echo has no transcript; a person's words after the box's own have."""
    for at, transcript in ((1000.0, None), (2000.0, "and the kitchen")):
        turn_id = new_turn_id(at)
        detail = {"rejected": "echo"}
        stage = Stage(id=f"s{at}", kind="transcribe", connection_id="c", started_at=at, ended_at=at + 1, detail=detail)
        turn = Turn(id=turn_id, started_at=at, ended_at=at + 1, transcript=transcript, stages=(stage,))
        await store.turns.save([turn], new=[turn_id])
    found = (await client.get("/api/turns")).json()["items"]
    assert [(turn["transcript"], turn["rejected"]) for turn in found] == [("and the kitchen", None), (None, "echo")]


async def test_a_turn_by_itself_has_its_stages_with_durations(client: httpx.AsyncClient, save_turn: MakeTurn) -> None:
    turn = await save_turn(1000.0)
    found = (await client.get(f"/api/turns/{turn.id}")).json()
    durations = [
        (stage["kind"], stage["offset_ms"], stage["first_output_ms"], stage["duration_ms"]) for stage in found["stages"]
    ]
    assert durations == [
        ("transcribe", 0.0, 250.0, 1200.0),
        ("think", 1200.0, 250.0, 300.0),
        ("speak", 1500.0, 250.0, 500.0),
    ]
    assert found["stages"][0]["detail"] == {"listen_s": 1.0}
    assert found["stages"][1]["text_in"] == "turn on the light"
    started = datetime.fromisoformat(found["stages"][2]["started_at"])
    assert started == datetime.fromtimestamp(1001.5, UTC)


async def test_a_running_turn_has_no_durations_yet(client: httpx.AsyncClient, store: Store) -> None:
    turn_id = new_turn_id(1000)
    stage = Stage(id="s", kind="transcribe", connection_id="c", started_at=1000)
    turn = Turn(id=turn_id, started_at=1000, status="in_progress", stages=(stage,))
    await store.turns.save([turn], new=[turn_id])
    found = (await client.get(f"/api/turns/{turn_id}")).json()
    assert found["status"] == "in_progress"
    assert found["ended_at"] is found["duration_ms"] is found["answer_delay_ms"] is None
    assert found["stages"][0]["duration_ms"] is None


async def test_the_span_of_listening_outranks_the_servers_own_measure(client: httpx.AsyncClient, store: Store) -> None:
    turn_id = new_turn_id(1000)
    common: dict[str, Any] = {"connection_id": "c"}
    stages = (
        Stage(id="t", kind="transcribe", started_at=1000, ended_at=1003, detail={"listen_s": 9}, **common),
        Stage(id="l", kind="listen", started_at=1000, ended_at=1002, parent_id="t", **common),
        Stage(id="s", kind="speak", started_at=1003, first_output_at=1003.5, ended_at=1004, **common),
    )
    await store.turns.save([Turn(id=turn_id, started_at=1000, stages=stages)], new=[turn_id])
    found = (await client.get(f"/api/turns/{turn_id}")).json()
    assert found["answer_delay_ms"] == 1500.0
    assert [stage["parent_id"] for stage in found["stages"]].count("t") == 1


@pytest.mark.parametrize("turn_id", ["0" * 32, "x", "打開", "%00", "..%2f..%2favatar.db"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_turn_that_is_not_there_is_not_found(client: httpx.AsyncClient, turn_id: str, method: str) -> None:
    answer = await client.request(method, f"/api/turns/{turn_id}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


async def test_deleting_a_turn_deletes_its_recordings_and_nothing_else(
    client: httpx.AsyncClient, save_turn: MakeTurn, store: Store, wav: bytes
) -> None:
    gone = await save_turn(1000, heard=wav, spoken=[wav])
    stays = await save_turn(2000, heard=wav)
    answer = await client.delete(f"/api/turns/{gone.id}")
    assert answer.status_code == 204
    assert answer.content == b""
    assert await _ids(client) == [stays.id]
    assert stays.audio_in is not None
    assert await store.audio.names() == {stays.audio_in.name}
    assert (await client.get(f"/api/turns/{gone.id}/audio/in")).status_code == 404


async def test_words_in_any_script_leave_as_utf8(client: httpx.AsyncClient, save_turn: MakeTurn) -> None:
    await save_turn(transcript="打開客廳的燈", answer="好的 👌")
    answer = await client.get("/api/turns")
    assert "打開客廳的燈".encode() in answer.content
    assert json.loads(answer.content)["items"][0]["answer"] == "好的 👌"
