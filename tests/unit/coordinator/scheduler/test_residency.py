"""Who comes without being asked for, and who is put away: preloading, wishes, keep-alive, warm-up ahead."""

from __future__ import annotations

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.leases import Urgency

from .desk import GPU, Desk, cpu_worker, sleeps, starts, stops, wakes, worker


def test_preloaded_workers_start_one_after_the_other_by_priority() -> None:
    desk = Desk(worker("b", preload=True, priority=10), worker("a", preload=True, priority=90))
    assert starts(desk.first) == ["a"]
    assert starts(desk.do(ev.Started("a"))) == ["b"]


def test_preloading_sends_nobody_away() -> None:
    desk = Desk(worker("old", 20, priority=10), worker("new", 20, preload=True, priority=90, devices=("cuda:0",)))
    desk.do(ev.StartFailed("new", "config"))
    desk.do(ev.MemoryReturned("new"))
    desk.up("old")
    desk.slot("new").hopeless = False
    desk.wait(60)
    assert desk.state("old") is SlotState.READY


def test_an_idle_worker_is_stopped_when_its_time_is_over() -> None:
    desk = Desk(worker("cosyvoice", keep_alive_s=600))
    desk.up("cosyvoice")
    assert desk.wait(599) == []
    assert stops(desk.wait(1)) == ["cosyvoice"]
    assert desk.texts("stop") == ["cosyvoice is stopped: idle for 600 s"]


def test_a_lease_makes_the_idle_time_begin_anew() -> None:
    desk = Desk(worker("cosyvoice", keep_alive_s=600))
    desk.up("cosyvoice")
    desk.now_s += 500
    desk.lease("a", "cosyvoice")
    assert desk.wait(1000) == []
    desk.do(ev.Released("a"))
    assert desk.wait(599) == []
    assert stops(desk.wait(1)) == ["cosyvoice"]


def test_who_can_sleep_sleeps_and_a_request_wakes_it() -> None:
    desk = Desk(worker("llm", keep_alive_s=60, can_sleep=True, preload=True))
    desk.do(ev.Started("llm"))
    assert sleeps(desk.wait(60)) == ["llm"]
    desk.do(ev.FellAsleep("llm", 2**29))
    assert desk.wait(600) == []  # preloading does not bring back who rests
    assert wakes(desk.ask("a", "llm")) == ["llm"]


def test_a_pinned_worker_is_not_put_away() -> None:
    desk = Desk(worker("f5", keep_alive_s=60, pinned=True))
    desk.up("f5")
    assert desk.wait(3600) == []


def test_what_is_needed_next_is_started_while_a_person_still_speaks() -> None:
    desk = Desk(cpu_worker("asr"), worker("llm", start_s=20), worker("f5"))
    desk.up("asr")
    first = starts(desk.ask("a", "asr", urgency=Urgency.IDLE, warm=("llm", "f5")))
    assert first == ["llm"]
    assert starts(desk.do(ev.Started("llm"))) == ["f5"]
    assert "it is needed next" in desk.texts("start")[-1]


def test_a_start_that_nobody_waits_for_lets_urgent_work_on_its_gpu_go_first() -> None:
    desk = Desk(worker("f5"), worker("llm"))
    desk.up("f5")
    desk.lease("a", "f5", Urgency.FIRST)
    assert desk.do(ev.StartWanted("llm")) == []
    assert starts(desk.do(ev.UrgencyChanged("a", Urgency.LATER))) == ["llm"]


def test_but_not_for_ever() -> None:
    desk = Desk(worker("f5"), worker("llm"))
    desk.up("f5")
    desk.lease("a", "f5", Urgency.FIRST)
    desk.do(ev.StartWanted("llm"))
    assert desk.wait(4.9) == []
    assert starts(desk.wait(0.1)) == ["llm"]


def test_wishing_again_and_again_does_not_put_a_start_off() -> None:
    """Each degraded answer wishes for the better rung; did its waiting begin anew each time, it would never come."""
    desk = Desk(worker("f5"), worker("llm", start_s=60), cpu_worker("small"))
    desk.up("f5", "small")
    desk.lease("busy", "f5", Urgency.FIRST)
    begun: list[str] = []
    for turn in range(7):
        begun += starts(desk.ask(f"turn-{turn}", "llm", "small"))
        begun += starts(desk.wait(1))
    assert begun == ["llm"]


def test_a_wish_that_does_not_come_true_is_said_to_have_expired() -> None:
    desk = Desk(worker("old", 20, pinned=True), worker("new", 20))
    desk.up("old")
    desk.do(ev.StartWanted("new"))
    desk.wait(59)
    assert desk.texts("wish") == []
    desk.wait(1)
    assert desk.texts("wish") == [
        "new was wanted (its owner wants it) and did not come: "
        "needs 20 GiB on cuda:0, 4 GiB free, not to be sent away: old"
    ]


def test_a_wish_that_is_coming_true_does_not_expire() -> None:
    desk = Desk(worker("llm", start_s=85))
    desk.do(ev.StartWanted("llm"))
    desk.wait(84)
    assert desk.texts("wish") == []
    desk.do(ev.Started("llm"))
    desk.wait(60)
    assert desk.texts("wish") == []
    assert desk.state("llm") is SlotState.READY


def test_a_wish_that_failed_after_its_time_says_why() -> None:
    desk = Desk(worker("llm", start_s=85))
    desk.do(ev.StartWanted("llm"))
    desk.wait(84)
    desk.do(ev.StartFailed("llm", "timeout"))
    assert desk.texts("wish") == ["llm was wanted (its owner wants it) and did not come: it failed: timeout"]


def test_the_stronger_of_two_wishes_counts() -> None:
    desk = Desk(worker("old", 20, priority=90), worker("new", 20))
    desk.up("old")
    assert desk.do(ev.StartWanted("new", Eviction.LOWER)) == []
    assert stops(desk.do(ev.StartWanted("new", Eviction.ANY))) == ["old"]


# Promises


def test_a_device_is_free_again_when_the_one_it_was_cleared_for_is_wanted_no_longer() -> None:
    desk = Desk(worker("old", 20), worker("new", 20), worker("tiny", 1))
    desk.up("old")
    desk.ask("a", "new")
    desk.do(ev.StopWanted("new"))
    assert desk.account(GPU).promised_to is None
    assert starts(desk.do(ev.StartWanted("tiny"))) == ["tiny"]


def test_a_device_is_free_again_when_the_one_it_was_cleared_for_cannot_come() -> None:
    desk = Desk(worker("old", 20), worker("new", 20), worker("tiny", 1))
    desk.up("old")
    desk.ask("a", "new")
    desk.do(ev.StartWanted("tiny"))
    desk.do(ev.Stopped("old"))
    desk.see(foreign=10)  # somebody else was quicker
    desk.do(ev.MemoryReturned("old"))
    assert starts([*desk.see(foreign=10), *desk.wait(0.5)]) == ["tiny"]


def test_a_wish_may_come_true_in_its_last_moment() -> None:
    desk = Desk(worker("old", 20), worker("new", 20))
    desk.up("old")
    desk.lease("a", "old", Urgency.IDLE)
    desk.do(ev.StartWanted("new"))
    desk.wait(59)
    desk.do(ev.StopWanted("old", force=True))
    desk.do(ev.Stopped("old"))
    desk.now_s += 1
    assert starts(desk.do(ev.MemoryReturned("old"))) == ["new"]
    assert desk.texts("wish") == []


def test_but_nobody_is_sent_away_for_one_whose_time_is_over() -> None:
    desk = Desk(worker("old", 20), worker("new", 20))
    desk.up("old")
    desk.lease("a", "old", Urgency.IDLE)
    desk.do(ev.StartWanted("new"))
    desk.now_s += 60
    assert stops(desk.do(ev.Released("a"))) == []
    assert len(desk.texts("wish")) == 1
