"""What people want by hand: up, down, asleep, pinned."""

from __future__ import annotations

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Revoke, Stop
from avatar_appliance.coordinator.slot_state import SlotState

from .desk import Desk, cpu_worker, denial, sleeps, starts, stops, wakes, worker


def test_a_worker_that_was_stopped_by_hand_stays_down_until_it_is_wanted_by_hand() -> None:
    desk = Desk(worker("f5", preload=True))
    desk.do(ev.Started("f5"))
    assert stops(desk.do(ev.StopWanted("f5"))) == ["f5"]
    desk.gone("f5")
    assert desk.wait(3600) == []
    deny = denial(desk.ask("a", "f5"))
    assert (deny.code, deny.text, deny.retry_after_s) == ("worker-unavailable", "f5 was stopped by its owner", None)
    assert starts(desk.do(ev.StartWanted("f5"))) == ["f5"]


def test_a_worker_in_use_gets_no_new_lease_and_stops_when_it_is_done() -> None:
    desk = Desk(worker("f5"), cpu_worker("piper"))
    desk.up("f5", "piper")
    desk.lease("a", "f5")
    assert desk.do(ev.StopWanted("f5")) == []
    (grant,) = desk.ask("b", "f5", "piper")
    assert grant.worker == "piper"  # type: ignore[union-attr]
    assert grant.degraded == "piper instead of f5: f5 was stopped by its owner"  # type: ignore[union-attr]
    assert stops(desk.do(ev.Released("a"))) == ["f5"]


def test_wanting_it_again_ends_the_draining() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.lease("a", "f5")
    desk.do(ev.StopWanted("f5"))
    desk.do(ev.StartWanted("f5"))
    desk.lease("b", "f5")
    desk.do(ev.Released("a"))
    assert desk.do(ev.Released("b")) == []
    assert desk.state("f5") is SlotState.READY


def test_force_ends_leases() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.lease("a", "f5")
    assert desk.do(ev.StopWanted("f5", force=True)) == [Revoke("a", "f5"), Stop("f5")]
    assert desk.do(ev.Released("a")) == []


def test_a_start_can_be_given_up_and_its_late_end_changes_nothing() -> None:
    desk = Desk(worker("llm", start_s=85))
    desk.do(ev.StartWanted("llm"))
    assert stops(desk.do(ev.StopWanted("llm"))) == ["llm"]
    assert desk.do(ev.Started("llm", 1)) == []
    assert desk.do(ev.StartFailed("llm", "crashed")) == []
    desk.gone("llm")
    assert desk.state("llm") is SlotState.STOPPED


def test_wanted_up_again_while_it_stops_it_comes_back_when_it_is_gone() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.do(ev.StopWanted("f5"))
    assert desk.do(ev.StartWanted("f5")) == []
    assert starts(desk.gone("f5")) == ["f5"]


def test_sleep_by_hand_lasts_until_somebody_needs_it() -> None:
    desk = Desk(worker("llm", can_sleep=True, preload=True))
    desk.do(ev.Started("llm"))
    assert sleeps(desk.do(ev.SleepWanted("llm"))) == ["llm"]
    desk.do(ev.FellAsleep("llm"))
    assert desk.wait(600) == []
    assert wakes(desk.ask("a", "llm")) == ["llm"]


def test_who_is_in_use_or_cannot_sleep_does_not() -> None:
    desk = Desk(worker("llm", can_sleep=True), worker("f5"))
    desk.up("llm", "f5")
    desk.lease("a", "llm")
    assert desk.do(ev.SleepWanted("llm")) == []
    assert desk.do(ev.SleepWanted("f5")) == []
