"""Decisions: kept in order, paged, bounded."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.errors import BadRequest
from avatar_appliance.store import Database, DecisionRecord, DecisionRepository

DAY = 86_400.0


def record(number: int, *, at: float | None = None, worker: str | None = "f5", kind: str = "start") -> DecisionRecord:
    return DecisionRecord(at=float(number) if at is None else at, kind=kind, text=f"decision {number}", worker=worker)


@pytest.fixture
def decisions(database: Database) -> DecisionRepository:
    return DecisionRepository(database)


async def texts(decisions: DecisionRepository, **wanted: object) -> list[str]:
    return [each.text for each in (await decisions.list(**wanted)).items]  # type: ignore[arg-type]


async def test_a_decision_comes_back_whole(decisions: DecisionRepository) -> None:
    decided = Decision(
        kind="deny", at_s=3.0, text="denied: needs 7.1 GiB, 3.2 GiB free", worker="大模型", device="cuda:0",
        lease_id="tts-1", detail={"code": "no-memory", "victims": ["f5", "whisper"], "need_bytes": 2**40},
    )  # fmt: skip
    kept = DecisionRecord.of(decided, at=1_700_000_000.25)
    await decisions.add([kept])
    assert (await decisions.list()).items == (kept,)


async def test_decisions_of_one_moment_stay_in_their_order_newest_first(decisions: DecisionRepository) -> None:
    await decisions.add([record(n, at=5.0) for n in range(3)])
    await decisions.add([record(9, at=4.0)])  # the clock was set back
    assert await texts(decisions) == ["decision 9", "decision 2", "decision 1", "decision 0"]


async def test_pages_follow_each_other_while_new_ones_come(decisions: DecisionRepository) -> None:
    await decisions.add([record(n) for n in range(5)])
    first = await decisions.list(limit=2)
    await decisions.add([record(n) for n in range(5, 9)])
    second = await decisions.list(limit=2, cursor=first.next_cursor)
    third = await decisions.list(limit=2, cursor=second.next_cursor)
    seen = [each.text for page in (first, second, third) for each in page.items]
    assert seen == [f"decision {n}" for n in (4, 3, 2, 1, 0)]
    assert third.next_cursor is None


async def test_a_full_last_page_is_the_last(decisions: DecisionRepository) -> None:
    await decisions.add([record(n) for n in range(2)])
    assert (await decisions.list(limit=2)).next_cursor is None


async def test_they_can_be_narrowed_to_a_worker_and_a_kind(decisions: DecisionRepository) -> None:
    await decisions.add([record(1), record(2, kind="stop"), record(3, worker="piper"), record(4, worker=None)])
    assert await texts(decisions, worker="f5") == ["decision 2", "decision 1"]
    assert await texts(decisions, worker="f5", kind="stop") == ["decision 2"]


async def test_only_the_newest_are_kept(database: Database) -> None:
    decisions = DecisionRepository(database, max_rows=3)
    for n in range(5):
        await decisions.add([record(n)])
    await decisions.add([record(n) for n in range(5, 15)])
    assert await texts(decisions) == [f"decision {n}" for n in (14, 13, 12)]


async def test_old_ones_are_forgotten(database: Database) -> None:
    decisions = DecisionRepository(database, days=2)
    await decisions.add([record(0, at=0.0), record(1, at=1.5 * DAY)])
    await decisions.add([record(2, at=3 * DAY)])
    assert await texts(decisions) == ["decision 2", "decision 1"]


async def test_keeping_none_keeps_none(database: Database) -> None:
    decisions = DecisionRepository(database, max_rows=0)
    await decisions.add([record(1)])
    await decisions.add([])
    assert await texts(decisions) == []


@pytest.mark.parametrize("cursor", ["", "x", "1.0", "1.0~", "1.0~x", "1.0~-1", "nan~1", "1.0~" + "9" * 40, "1.0~١"])
async def test_a_made_up_cursor_is_refused(decisions: DecisionRepository, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await decisions.list(cursor=cursor)


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_has_a_size(decisions: DecisionRepository, limit: int) -> None:
    with pytest.raises(BadRequest):
        await decisions.list(limit=limit)


async def test_a_detail_that_is_no_json_is_kept_as_text(decisions: DecisionRepository) -> None:
    odd: Sequence[DecisionRecord] = [DecisionRecord(at=1.0, kind="start", text="t", detail={"names": {"a"}})]
    await decisions.add(odd)
    assert (await decisions.list()).items[0].detail == {"names": "{'a'}"}
