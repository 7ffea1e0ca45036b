"""Turns and conversations as rows: kept whole, listed, filtered, searched, deleted with their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from avatar_appliance.errors import BadRequest, NotFound
from avatar_appliance.store import (
    AudioFile,
    AudioStore,
    ConversationRepository,
    Database,
    Stage,
    Turn,
    TurnFilter,
    TurnRepository,
    new_turn_id,
)

MakeTurn = Callable[..., Turn]


async def save(turns: TurnRepository, *new: Turn) -> None:
    assert await turns.save(new, new={turn.id for turn in new}) == frozenset()


async def listed(turns: TurnRepository, **wanted: object) -> list[str | None]:
    page = await turns.list(TurnFilter(**wanted))  # type: ignore[arg-type]
    return [turn.transcript for turn in page.items]


async def test_a_turn_comes_back_as_it_was(turns: TurnRepository) -> None:
    turn_id = new_turn_id(10)
    think = Stage(
        id="k",
        kind="think",
        connection_id="conversation-3",
        started_at=11.0,
        first_output_at=11.25,
        ended_at=12.5,
        link_id="link",
        worker="vllm",
        language="zh-TW",
        conversation_id="01CONVERSATION",
        satellite_id="assist_satellite.kitchen",
        device_id="d",
        text_in="打開燈",
        text_out="好的。",
        error_code="worker-failed",
        degraded="small (busy)",
        detail={"tokens": 7, "名": ["值", None, 0.5]},
    )
    act = Stage(id="k-0", parent_id="k", kind="act", connection_id="conversation-3", started_at=11.5, ended_at=12.0)
    heard = Stage(
        id="t",
        kind="transcribe",
        connection_id="asr-1",
        started_at=10.0,
        ended_at=11.0,
        speaker="Anna",
        cancelled=True,
        audio=AudioFile(f"{turn_id}-in-00000000.wav", 44, 1.5),
    )
    turn = Turn(
        id=turn_id,
        started_at=10.0,
        ended_at=12.5,
        status="failed",
        conversation_id="01CONVERSATION",
        satellite_id="assist_satellite.kitchen",
        device_id="d",
        language="zh-TW",
        speaker="Anna",
        transcript="打開燈",
        answer="好的。",
        degraded="think: small (busy)",
        error_code="worker-failed",
        voice="anna",
        stages=(heard, think, act),
    )
    await save(turns, turn)
    assert await turns.get(turn_id) == turn
    assert (await turns.list()).items == (turn,)
    assert turn.audio_in == heard.audio
    assert turn.audio_out == ()


async def test_pages_walk_all_turns_newest_first_and_are_not_shifted_by_new_ones(
    turns: TurnRepository, make_turn: MakeTurn
) -> None:
    # Several in the same instant: the id breaks the tie.
    made = [make_turn(1000.0 + number // 3, transcript=str(number)) for number in range(20)]
    await save(turns, *made)
    expected = [turn.id for turn in sorted(made, key=lambda turn: (turn.started_at, turn.id), reverse=True)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await turns.list(limit=6, cursor=cursor)
        seen += [turn.id for turn in page.items]
        await save(turns, make_turn(5000.0 + len(seen)))
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert seen == expected


@pytest.mark.parametrize("cursor", ["", "x", "1.0", "1.0~", "nan~a", "inf~a", "1~" + "a" * 300])
async def test_a_foreign_cursor_is_refused(turns: TurnRepository, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await turns.list(cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 201])
async def test_a_page_is_bounded(turns: TurnRepository, limit: int) -> None:
    with pytest.raises(BadRequest):
        await turns.list(limit=limit)


async def test_filters_choose(turns: TurnRepository, make_turn: MakeTurn) -> None:
    await save(
        turns,
        make_turn(1.0, transcript="a", conversation_id="c1", satellite_id="kitchen", language="zh-TW"),
        make_turn(2.0, transcript="b", conversation_id="c2", satellite_id="bath", language="en"),
        make_turn(3.0, transcript="c", conversation_id="c1", language="zh", status="failed"),
        make_turn(4.0, transcript="d", language="zhx", status="cancelled"),
    )
    assert await listed(turns) == ["d", "c", "b", "a"]
    assert await listed(turns, conversation_id="c1") == ["c", "a"]
    assert await listed(turns, satellite_id="kitchen") == ["a"]
    assert await listed(turns, language="zh") == ["c", "a"]
    assert await listed(turns, language="zh-TW") == ["a"]
    assert await listed(turns, status="cancelled") == ["d"]
    assert await listed(turns, since=2.0, until=4.0) == ["c", "b"]
    assert await listed(turns, conversation_id="c1", since=2.0) == ["c"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kitchen", ["turn on the kitchen light"]),
        ("KITCHEN light", ["turn on the kitchen light"]),
        ("tche", ["turn on the kitchen light"]),
        ("kitchen bath", []),
        ("客廳", ["打開客廳的燈"]),
        ("客廳的燈", ["打開客廳的燈"]),
        ("燈", ["關掉臥室的燈", "打開客廳的燈"]),
        ("客廳 好的", ["打開客廳的燈"]),
        ("好的。", ["打開客廳的燈"]),
        ("on", ['100%_sure "on" it\'s', "turn on the kitchen light"]),
        ("0%", ['100%_sure "on" it\'s']),
        ("0_", []),
        ("%_sure", ['100%_sure "on" it\'s']),
        ('"on"', ['100%_sure "on" it\'s']),
        ("it's", ['100%_sure "on" it\'s']),
        ("sure* OR kitchen", []),
        ("   ", ['100%_sure "on" it\'s', "關掉臥室的燈", "打開客廳的燈", "turn on the kitchen light"]),
    ],
)
async def test_search_finds_words_in_any_script(
    turns: TurnRepository, make_turn: MakeTurn, text: str, found: list[str]
) -> None:
    await save(
        turns,
        make_turn(1.0, transcript="turn on the kitchen light", answer="Done."),
        make_turn(2.0, transcript="打開客廳的燈", answer="好的。"),
        make_turn(3.0, transcript="關掉臥室的燈"),
        make_turn(4.0, transcript='100%_sure "on" it\'s'),
    )
    assert await listed(turns, text=text) == found


@pytest.mark.parametrize("text", ["x" * 201, "a b c d e f g h i"])
async def test_an_endless_search_is_refused(turns: TurnRepository, text: str) -> None:
    with pytest.raises(BadRequest):
        await turns.list(TurnFilter(text=text))


async def test_search_follows_changes(turns: TurnRepository, make_turn: MakeTurn) -> None:
    turn = make_turn(1.0, transcript="kitchen")
    await save(turns, turn)
    await turns.save([replace(turn, transcript="bathroom")])
    assert await listed(turns, text="kitchen") == []
    assert await listed(turns, text="bathroom") == ["bathroom"]
    await turns.delete(turn.id)
    assert await listed(turns, text="bathroom") == []


async def test_a_turn_deleted_meanwhile_is_not_written_again(turns: TurnRepository, make_turn: MakeTurn) -> None:
    kept, deleted, fresh = make_turn(1.0), make_turn(2.0), make_turn(3.0)
    await save(turns, kept, deleted)
    await turns.delete(deleted.id)
    changed = replace(kept, voice="new")
    assert await turns.save([changed, deleted, fresh], new={fresh.id}) == {deleted.id}
    assert [turn.id for turn in (await turns.list()).items] == [kept.id]
    assert (await turns.get(kept.id)).voice is None


async def test_a_merge_moves_the_stages_and_removes_the_row(turns: TurnRepository, make_turn: MakeTurn) -> None:
    one, other = make_turn(1.0, conversation_id="c"), make_turn(2.0, conversation_id="c")
    await save(turns, one, other)
    await turns.save([replace(one, stages=one.stages + other.stages)], merged={other.id})
    assert [turn.id for turn in (await turns.list()).items] == [one.id]
    assert [stage.id for stage in (await turns.get(one.id)).stages] == [f"{one.id}-k", f"{other.id}-k"]


async def test_deleting_a_turn_deletes_its_stages_and_files(
    turns: TurnRepository, make_turn: MakeTurn, audio: AudioStore, database: Database, wav: bytes
) -> None:
    first, second = new_turn_id(1), new_turn_id(2)
    files = {turn_id: await audio.write(turn_id, "out", wav) for turn_id in (first, second)}
    await save(
        turns,
        make_turn(1.0, id=first, audio=files[first], conversation_id="c"),
        make_turn(2.0, id=second, audio=files[second], conversation_id="c"),
    )
    await turns.delete(first)
    assert await audio.names() == {files[second].name}
    rows = await database.fetch_all("SELECT DISTINCT turn_id FROM stages")
    assert [row[0] for row in rows] == [second]
    with pytest.raises(NotFound):
        await turns.get(first)
    with pytest.raises(NotFound):
        await turns.delete(first)


async def test_deleted_words_are_in_none_of_the_files_any_more(
    turns: TurnRepository, make_turn: MakeTurn, database: Database
) -> None:
    secret = "meet me at the lighthouse"
    turn = make_turn(1.0, transcript=secret)
    await save(turns, turn, make_turn(2.0, transcript="harmless"))
    folder = database.path.parent

    def bytes_on_disk() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(folder.glob("avatar.db*")))

    assert secret.encode() in bytes_on_disk()
    await turns.delete(turn.id)
    assert secret.encode() not in bytes_on_disk()
    assert b"ghthous" not in bytes_on_disk()


async def test_conversations_follow_their_turns(
    turns: TurnRepository, make_turn: MakeTurn, audio: AudioStore, database: Database, wav: bytes
) -> None:
    conversations = ConversationRepository(database, turns)
    recorded = new_turn_id(3)
    await save(
        turns,
        make_turn(1.0, conversation_id="old", satellite_id="kitchen", language="en"),
        make_turn(2.0, conversation_id="new"),
        make_turn(
            3.0,
            id=recorded,
            conversation_id="old",
            language="zh-TW",
            audio=await audio.write(recorded, "out", wav),
        ),
    )
    old = await conversations.get("old")
    assert (old.started_at, old.last_turn_at, old.turn_count) == (1.0, 4.0, 2)
    assert (old.satellite_id, old.language) == ("kitchen", "zh-TW")
    first = await conversations.list(limit=1)
    assert [conversation.id for conversation in first.items] == ["old"]
    second = await conversations.list(limit=1, cursor=first.next_cursor)
    assert [conversation.id for conversation in second.items] == ["new"]
    assert second.next_cursor is None

    assert await conversations.delete("old") == 2
    assert await audio.names() == frozenset()
    assert len((await turns.list()).items) == 1
    with pytest.raises(NotFound):
        await conversations.get("old")
    with pytest.raises(NotFound):
        await conversations.delete("old")


async def test_a_conversation_goes_with_its_last_turn(turns: TurnRepository, make_turn: MakeTurn) -> None:
    turn = make_turn(1.0, conversation_id="c")
    await save(turns, turn)
    await turns.delete(turn.id)
    with pytest.raises(NotFound):
        await turns.delete_conversation("c")


async def test_turns_that_may_still_be_open_are_found_again(turns: TurnRepository, make_turn: MakeTurn) -> None:
    await save(
        turns,
        make_turn(1.0, transcript="long over", ended_at=2.0),
        make_turn(2.0, transcript="never ended", ended_at=None, status="in_progress"),
        make_turn(3.0, transcript="just ended", ended_at=50.0),
    )
    assert [turn.transcript for turn in await turns.open_since(40.0)] == ["never ended", "just ended"]


def test_ids_sort_by_time_and_are_unique() -> None:
    ids = [new_turn_id(at) for at in (0.0, 1.0, 1.001, 1_700_000_000.0, 4_000_000_000.0)]
    assert ids == sorted(ids)
    assert {len(turn_id) for turn_id in ids} == {32}
    assert len({new_turn_id(5.0) for _ in range(1000)}) == 1000


def test_what_people_said_is_not_in_the_repr(make_turn: MakeTurn) -> None:
    turn = make_turn(1.0, transcript="secret one", answer="secret two")
    assert "secret" not in repr(turn)
    assert "secret" not in repr(turn.stages[0])
