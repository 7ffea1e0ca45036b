"""Rule 8: out of memory at a start: clear what is idle, once more, then a rest; and at a waking: later."""

from __future__ import annotations

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Grant, WatchMemory
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.leases import Urgency

from .desk import GPU, Desk, answers, cpu_worker, denial, starts, stops, wakes, worker


def out_of_memory(desk: Desk, name: str) -> None:
    desk.do(ev.StartFailed(name, "out-of-memory"))
    desk.do(ev.MemoryReturned(name))


def test_everything_idle_goes_for_a_second_try_whatever_the_ledger_believes() -> None:
    desk = Desk(
        worker("idle", 2), worker("used", 2), worker("dear", 2, priority=90), worker("kept", 2, pinned=True),
        worker("llm", 8),
    )  # fmt: skip
    desk.up("idle", "used", "dear", "kept")
    desk.lease("a", "used", Urgency.IDLE)
    desk.do(ev.StartWanted("llm"))
    actions = desk.do(ev.StartFailed("llm", "out-of-memory"))
    assert actions[0] == WatchMemory("llm", GPU)
    assert stops(actions) == ["idle"]
    assert desk.texts("failed") == ["llm ran out of memory at its start: once more"]
    assert desk.texts("stop") == ["idle is stopped: llm ran out of memory"]


def test_the_second_try_waits_until_what_was_cleared_is_gone() -> None:
    desk = Desk(worker("idle", 2), worker("llm", 8))
    desk.up("idle")
    desk.do(ev.StartWanted("llm"))
    out_of_memory(desk, "llm")
    assert desk.wait(0.5) == []
    assert starts(desk.gone("idle")) == ["llm"]


def test_after_the_second_it_rests_and_the_ladder_is_used() -> None:
    desk = Desk(worker("llm", 8), cpu_worker("small"))
    desk.up("small")
    desk.do(ev.StartWanted("llm"))
    out_of_memory(desk, "llm")
    assert desk.state("llm") is SlotState.STARTING
    out_of_memory(desk, "llm")
    assert desk.state("llm") is SlotState.FAILED
    assert desk.texts("failed")[-1] == "llm ran out of memory again and rests for 60 s"
    assert desk.ask("a", "llm", "small") == [Grant("a", "small", "small instead of llm: llm failed: out-of-memory")]
    deny = denial(desk.ask("b", "llm"))
    assert (deny.code, deny.text, deny.retry_after_s) == ("worker-failed", "llm failed: out-of-memory", 60.0)


def test_after_a_rest_it_has_one_try_for_which_nobody_goes_and_rests_twice_as_long() -> None:
    """Else a worker that cannot fit would clear the card once a minute for ever."""
    desk = Desk(worker("llm", 8, preload=True), worker("f5", 2))
    assert desk.state("llm") is SlotState.STARTING
    out_of_memory(desk, "llm")
    out_of_memory(desk, "llm")
    desk.up("f5")
    assert starts(desk.wait(60)) == ["llm"]
    assert stops(desk.do(ev.StartFailed("llm", "out-of-memory"))) == []
    desk.do(ev.MemoryReturned("llm"))
    assert desk.wait(119) == []
    assert starts(desk.wait(1)) == ["llm"]


def test_a_start_that_succeeds_makes_all_forgotten() -> None:
    desk = Desk(worker("llm", 8, preload=True))
    out_of_memory(desk, "llm")
    out_of_memory(desk, "llm")
    desk.wait(60)
    desk.do(ev.Started("llm"))
    assert desk.slot("llm").out_of_memory == 0


def test_a_person_does_not_wait_for_the_end_of_the_rest() -> None:
    desk = Desk(worker("llm", 8))
    desk.do(ev.StartWanted("llm"))
    out_of_memory(desk, "llm")
    desk.do(ev.StartFailed("llm", "out-of-memory"))
    desk.do(ev.StartWanted("llm"))  # its memory is not back yet
    assert starts(desk.do(ev.MemoryReturned("llm"))) == ["llm"]


def test_a_request_that_waits_for_it_is_answered_when_it_rests() -> None:
    desk = Desk(worker("llm", 8, start_s=1))
    desk.ask("a", "llm", wait_s=30)
    out_of_memory(desk, "llm")
    assert denial(desk.do(ev.StartFailed("llm", "out-of-memory"))).code == "worker-failed"


def test_a_waking_without_room_is_tried_again_ever_more_slowly() -> None:
    desk = Desk(worker("llm", 8, can_sleep=True))
    desk.up("llm")
    desk.asleep("llm", left=1)
    desk.do(ev.StartWanted("llm"))
    pauses = []
    for _ in range(4):
        desk.do(ev.WakeFailed("llm", "out-of-memory"))
        assert desk.state("llm") is SlotState.SLEEPING
        began_s = desk.now_s
        while not wakes(desk.wait(0.25)):
            pass
        pauses.append(desk.now_s - began_s)
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    desk.do(ev.Woke("llm"))
    assert desk.slot("llm").wakes_failed == 0


def test_a_sleeper_that_is_broken_is_ended() -> None:
    desk = Desk(worker("llm", 8, can_sleep=True, start_s=1))
    desk.up("llm")
    desk.asleep("llm", left=1)
    desk.ask("a", "llm", wait_s=5)
    assert stops(desk.do(ev.WakeFailed("llm", "crashed"))) == ["llm"]
    assert starts(desk.gone("llm")) == ["llm"]
    assert answers(desk.do(ev.Started("llm"))) == [Grant("a", "llm")]
