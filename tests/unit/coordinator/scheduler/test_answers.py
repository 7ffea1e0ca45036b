"""Rules 2, 3, 9 and 13: every request is answered once, by its deadline, and the queue is short."""

from __future__ import annotations

import pytest

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Deny, Grant, Start, Wake
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency

from .desk import GPU, PLAIN, Desk, answers, cpu_worker, denial, gib, starts, wakes, worker


def test_a_ready_worker_is_granted_at_once() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    assert desk.ask("a", "f5") == [Grant("a", "f5")]


def test_below_the_first_rung_the_answer_says_why() -> None:
    desk = Desk(worker("studio", 30), cpu_worker("piper"))
    desk.up("piper")
    (grant,) = answers(desk.ask("a", "studio", "piper"))
    assert grant == Grant("a", "piper", "piper instead of studio: studio: needs 30 GiB, all of cuda:0 is 24 GiB")
    assert desk.texts("degrade") == [grant.degraded]


def test_a_rung_nobody_knows_is_skipped_and_named() -> None:
    desk = Desk(cpu_worker("piper"))
    desk.up("piper")
    assert desk.ask("a", "nobody", "piper") == [
        Grant("a", "piper", "piper instead of nobody: there is no worker nobody")
    ]


def test_a_ladder_of_unknown_workers_is_denied_at_once() -> None:
    assert Desk().ask("a", "nobody", "neither") == [
        Deny("a", "worker-unavailable", "no such worker: nobody, neither", None)
    ]


def test_a_request_starts_what_is_not_up_and_is_granted_when_it_is() -> None:
    desk = Desk(worker("f5", 2, 3, start_s=1.0))
    assert desk.ask("a", "f5") == [Start("f5", GPU, gib(3))]
    assert desk.do(ev.Started("f5", gib(2))) == [Grant("a", "f5")]


def test_the_same_worker_wanted_twice_while_it_starts_is_started_once() -> None:
    desk = Desk(worker("f5", start_s=1.0))
    assert starts(desk.ask("a", "f5")) == ["f5"]
    assert desk.ask("b", "f5") == []
    assert desk.do(ev.Started("f5")) == [Grant("a", "f5"), Grant("b", "f5")]


def test_at_the_deadline_the_answer_is_no_with_the_time_to_ask_again() -> None:
    desk = Desk(worker("llm", start_s=85.0))
    desk.ask("a", "llm")
    assert desk.wait(1.9) == []
    deny = denial(desk.wait(0.1))
    assert deny == Deny("a", "worker-loading", "llm is starting", pytest.approx(83.0))
    assert desk.texts("deny") == ["denied: llm is starting"]
    assert desk.scheduler.waiting() == []


def test_the_time_of_the_next_look_is_the_deadline_at_the_latest() -> None:
    desk = Desk(worker("llm", start_s=85.0))
    assert desk.scheduler.next_look_s(desk.now_s) is None
    desk.ask("a", "llm")
    times = []
    while (next_s := desk.scheduler.next_look_s(desk.now_s)) is not None:
        times.append(next_s - 1000.0)
        desk.wait(next_s - desk.now_s)
    assert times == [pytest.approx(0.3), pytest.approx(1.2), pytest.approx(2.0)]


def test_whoever_is_ready_at_the_deadline_is_granted() -> None:
    desk = Desk(worker("f5", start_s=2.0))
    desk.ask("a", "f5")
    desk.now_s += 2.0
    assert desk.do(ev.Started("f5")) == [Grant("a", "f5")]


def test_a_request_that_does_not_want_to_wait_is_answered_at_once() -> None:
    desk = Desk(worker("f5", start_s=2.0))
    assert denial(desk.ask("a", "f5", wait_s=0.0)).code == "worker-loading"


def test_a_request_that_nobody_can_ever_serve_is_denied_at_once_with_all_reasons() -> None:
    desk = Desk(worker("studio", 30), worker("f5"))
    desk.do(ev.StopWanted("f5"))
    assert desk.ask("a", "studio", "f5") == [
        Deny("a", "no-memory", "studio: needs 30 GiB, all of cuda:0 is 24 GiB; f5 was stopped by its owner", None)
    ]


def test_a_cancelled_request_is_never_answered() -> None:
    desk = Desk(worker("f5", start_s=1.0))
    desk.ask("a", "f5")
    desk.do(ev.Cancelled("a"))
    assert desk.do(ev.Started("f5")) == []
    assert desk.wait(5.0) == []


def test_a_lease_that_is_given_back_twice_is_given_back_once() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.lease("a", "f5")
    desk.do(ev.Released("a"))
    assert desk.do(ev.Released("a")) == []
    assert desk.slot("f5").idle


def test_a_lease_id_in_use_is_refused_and_changes_nothing() -> None:
    desk = Desk(worker("f5", start_s=1.0))
    desk.ask("a", "f5")
    with pytest.raises(ValueError, match="unique"):
        desk.ask("a", "f5")
    assert desk.do(ev.Started("f5")) == [Grant("a", "f5")]
    with pytest.raises(ValueError, match="unique"):
        desk.ask("a", "f5")


def test_a_full_worker_sends_requests_down_the_ladder() -> None:
    desk = Desk(worker("f5", max_leases=1), cpu_worker("piper"))
    desk.up("f5", "piper")
    desk.lease("a", "f5")
    assert desk.ask("b", "f5", "piper") == [Grant("b", "piper", "piper instead of f5: f5 has 1 requests already")]


def test_a_full_worker_is_waited_for_where_there_is_no_other() -> None:
    desk = Desk(worker("f5", max_leases=1))
    desk.up("f5")
    desk.lease("a", "f5")
    assert desk.ask("b", "f5") == []
    assert desk.do(ev.Released("a")) == [Grant("b", "f5")]


def test_a_full_worker_is_server_full_at_the_deadline() -> None:
    desk = Desk(worker("f5", max_leases=1))
    desk.up("f5")
    desk.lease("a", "f5")
    desk.ask("b", "f5")
    assert denial(desk.wait(2.0)) == Deny("b", "server-full", "f5 has 1 requests already", 1.0)


def test_a_lease_held_without_computing_leaves_room_for_another() -> None:
    desk = Desk(worker("f5", max_leases=1))
    desk.up("f5")
    desk.lease("a", "f5")
    desk.ask("b", "f5")
    assert desk.do(ev.UrgencyChanged("a", Urgency.IDLE)) == [Grant("b", "f5")]


def test_more_than_may_wait_are_turned_away_the_newest_first() -> None:
    desk = Desk(worker("llm", start_s=85.0), policy=SchedulerPolicy(most_waiting=2))
    desk.ask("a", "llm")
    desk.ask("b", "llm")
    assert desk.ask("c", "llm") == [Deny("c", "server-full", "2 requests wait already", 1.0)]
    assert len(desk.scheduler.waiting()) == 2


def test_a_full_queue_does_not_keep_others_from_a_worker_that_is_ready() -> None:
    desk = Desk(worker("llm", start_s=85.0), worker("asr"), policy=SchedulerPolicy(most_waiting=1))
    desk.up("asr")
    desk.ask("a", "llm")
    assert desk.ask("b", "asr") == [Grant("b", "asr")]


def test_urgent_requests_are_served_before_those_that_came_earlier() -> None:
    desk = Desk(worker("f5", max_leases=1))
    desk.up("f5")
    desk.lease("a", "f5", Urgency.IDLE)
    desk.do(ev.UrgencyChanged("a", Urgency.LATER))
    desk.ask("later", "f5", urgency=Urgency.LATER)
    desk.now_s += 0.1
    desk.ask("final", "f5", urgency=Urgency.FINAL)
    assert answers(desk.do(ev.Released("a"))) == [Grant("final", "f5")]


# A better rung that is nearly there


def test_a_better_rung_that_is_nearly_there_is_waited_for() -> None:
    desk = Desk(worker("f5", start_s=1.0), cpu_worker("piper"))
    desk.up("piper")
    desk.do(ev.StartWanted("f5"))
    assert desk.ask("a", "f5", "piper") == []
    assert desk.do(ev.Started("f5")) == [Grant("a", "f5")]


def test_patience_with_a_better_rung_ends() -> None:
    desk = Desk(worker("f5", start_s=1.0), cpu_worker("piper"))
    desk.up("piper")
    desk.do(ev.StartWanted("f5"))
    desk.ask("a", "f5", "piper")
    assert desk.wait(1.15) == [Grant("a", "piper", "piper instead of f5: f5 is starting")]


def test_a_sleeping_better_rung_is_woken_and_waited_for() -> None:
    desk = Desk(worker("llm", can_sleep=True), cpu_worker("small"))
    desk.up("llm", "small")
    desk.asleep("llm", left=0.5)
    assert wakes(desk.ask("a", "llm", "small")) == ["llm"]
    assert desk.do(ev.Woke("llm")) == [Grant("a", "llm")]


def test_two_requests_of_the_same_moment_wake_a_worker_once() -> None:
    desk = Desk(worker("llm", can_sleep=True), worker("small", start_s=0.3))
    desk.up("llm")
    desk.asleep("llm", left=0.5)
    desk.do(ev.StartWanted("small"))
    assert desk.ask("a", "llm", "small") == []  # starts and wakings on a GPU are serialised
    assert desk.ask("b", "llm", "small") == []
    desk.now_s += 0.2
    assert desk.do(ev.Started("small")) == [Wake("llm")]
    assert desk.do(ev.Woke("llm")) == [Grant("a", "llm"), Grant("b", "llm")]


def test_a_better_rung_that_is_missed_is_brought_up_for_the_next_time() -> None:
    desk = Desk(worker("f5", start_s=20.0), cpu_worker("piper"))
    desk.up("piper")
    actions = desk.ask("a", "f5", "piper")
    assert answers(actions)[0].worker == "piper"  # type: ignore[union-attr]
    assert starts(desk.wait(6.0)) == ["f5"] or starts(actions) == ["f5"]
    assert desk.texts("start")[-1] == "f5 starts on cuda:0 with 1 GiB: it was missed"


def test_nothing_up_the_one_that_comes_in_time_is_started_and_the_better_one_wished_for() -> None:
    desk = Desk(worker("llm", start_s=85.0), cpu_worker("small", start_s=1.5))
    assert starts(desk.ask("a", "llm", "small")) == ["small", "llm"]
    assert desk.texts("start") == [
        "small starts on cpu with 512 MiB: tts asks for it",
        "llm starts on cuda:0 with 1 GiB: it was missed",
    ]


def test_nothing_in_time_the_one_that_comes_soonest_is_started_first() -> None:
    """Not the best: it may take a minute and a half, in which nobody could be answered."""
    desk = Desk(worker("llm", start_s=85.0), cpu_worker("small", start_s=4.0))
    assert starts(desk.ask("a", "llm", "small", wait_s=2.0)) == ["small", "llm"]
    assert denial(desk.wait(2.0)).retry_after_s == pytest.approx(2.0)


def test_a_request_denied_at_its_deadline_has_not_sent_others_away_for_nothing() -> None:
    """Its worker still comes, for when it is asked for again."""
    desk = Desk(worker("old", 20, priority=10), worker("new", 20, start_s=5.0))
    desk.up("old")
    desk.ask("a", "new")
    assert desk.state("old") is SlotState.STOPPING
    denial(desk.wait(2.0))
    assert starts(desk.gone("old")) == ["new"]


def test_an_external_worker_is_leased_but_never_started_or_put_away() -> None:
    desk = Desk(WorkerSpec(name="far", role="llm", external=True, keep_alive_s=1.0))
    desk.lease("a", "far")
    desk.do(ev.Released("a"))
    assert desk.wait(100.0) == []
    for event in (ev.StartWanted("far"), ev.StopWanted("far", force=True), ev.SleepWanted("far"), ev.Exited("far")):
        assert desk.do(event) == []
    assert desk.ask("b", "far") == [Grant("b", "far")]


def test_what_one_grant_makes_impossible_is_not_done_for_the_next_request_of_the_same_moment() -> None:
    """Two wait: one gets the worker that would have been the victim for the other."""
    desk = Desk(
        worker("old", 20, max_leases=1),
        worker("new", 20, start_s=1.0),
        policy=PLAIN,
    )
    desk.up("old")
    desk.lease("x", "old")
    desk.ask("a", "old")
    desk.ask("b", "new")
    actions = desk.do(ev.Released("x"))
    assert actions == [Grant("a", "old")]
    assert desk.state("old") is SlotState.READY


def test_nor_where_its_outlook_was_made_before_the_grant() -> None:
    """The first asks for the new worker, gets the old one; for the second the old one is no victim any more."""
    desk = Desk(worker("old", 20, max_leases=1), worker("new", 20, start_s=5.0))
    desk.up("old")
    desk.lease("x", "old")
    desk.ask("a", "new", "old")
    desk.ask("b", "new")
    (grant,) = desk.do(ev.Released("x"))
    assert isinstance(grant, Grant)
    assert (grant.lease_id, grant.worker) == ("a", "old")
