"""Rules 5, 11 and 12: who goes when memory is short, and who never does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Start
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.victims import smallest_set
from avatar_appliance.leases import Urgency

from .desk import GPU, PLAIN, Desk, answers, cpu_worker, gib, sleeps, starts, stops, worker


def test_the_lowest_priority_goes_first() -> None:
    desk = Desk(worker("dear", 8, priority=50), worker("cheap", 8, priority=10), worker("new", 16))
    desk.up("cheap")
    desk.wait(5)
    desk.up("dear")  # idle for less long
    assert stops(desk.ask("a", "new")) == ["cheap"]


def test_of_one_priority_the_longest_idle_goes_first() -> None:
    desk = Desk(worker("a", 8), worker("b", 8), worker("new", 16))
    desk.up("a", "b")
    desk.lease("x", "a")
    desk.now_s += 5
    desk.do(ev.Released("x"))
    assert stops(desk.ask("r", "new")) == ["b"]


def test_of_those_the_largest_goes_first() -> None:
    desk = Desk(worker("small", 6), worker("large", 9), worker("new", 15))
    desk.up("small", "large")
    assert stops(desk.ask("r", "new")) == ["large"]


def test_only_as_many_go_as_it_takes() -> None:
    desk = Desk(worker("a", 3, priority=1), worker("b", 9, priority=2), worker("c", 9, priority=3), worker("new", 12))
    desk.up("a", "b", "c")
    assert stops(desk.ask("r", "new")) == ["b"]  # a alone is not enough, with b it is not needed


def test_a_worker_in_use_never_goes() -> None:
    desk = Desk(worker("old", 20), worker("new", 20))
    desk.up("old")
    desk.lease("a", "old", Urgency.IDLE)
    assert desk.ask("b", "new") == []
    assert desk.do(ev.StartWanted("new", Eviction.ANY)) == []


def test_a_pinned_worker_never_goes() -> None:
    desk = Desk(worker("old", 20, pinned=True), worker("new", 20))
    desk.up("old")
    assert desk.ask("a", "new") == []
    assert stops(desk.do(ev.PinChanged("old", pinned=False))) == ["old"]


def test_a_worker_of_higher_priority_goes_only_when_a_person_says_so() -> None:
    desk = Desk(worker("old", 20, priority=80), worker("new", 20, priority=50))
    desk.up("old")
    assert desk.ask("a", "new") == []
    assert stops(desk.do(ev.StartWanted("new", Eviction.ANY))) == ["old"]


def test_a_worker_that_has_just_come_does_not_go() -> None:
    desk = Desk(worker("old", 20), worker("new", 20), policy=replace(PLAIN, min_residency_s=20.0))
    desk.up("old")
    desk.now_s += 19
    assert desk.ask("a", "new") == []
    assert stops(desk.wait(1)) == ["old"]


def test_a_wish_of_nobody_in_particular_sends_nobody_away() -> None:
    desk = Desk(worker("old", 20), worker("new", 20, preload=False), cpu_worker("asr"))
    desk.up("old", "asr")
    assert answers(desk.ask("a", "asr", warm=("new",))) != []
    assert desk.wait(5) == []
    assert desk.state("old") is SlotState.READY


def test_who_can_sleep_sleeps_instead() -> None:
    desk = Desk(worker("llm", 12, can_sleep=True, sleep_bytes=gib(1)), worker("new", 20))
    desk.up("llm")
    assert sleeps(desk.ask("a", "new")) == ["llm"]
    assert desk.do(ev.FellAsleep("llm", gib(1))) == [Start("new", GPU, gib(20))]


def test_who_would_keep_too_much_asleep_is_stopped() -> None:
    desk = Desk(worker("llm", 12, can_sleep=True, sleep_bytes=gib(1)), worker("new", 23.5))
    desk.up("llm")
    assert stops(desk.ask("a", "new")) == ["llm"]


def test_who_finds_no_ram_to_sleep_in_is_stopped() -> None:
    desk = Desk(worker("llm", 12, can_sleep=True, sleep_bytes=gib(1)), worker("new", 20), ram_gib=8)
    desk.up("llm")
    assert stops(desk.ask("a", "new")) == ["llm"]


def test_who_will_not_sleep_is_stopped() -> None:
    desk = Desk(worker("llm", 12, can_sleep=True), worker("new", 20))
    desk.up("llm")
    desk.ask("a", "new")
    assert stops(desk.do(ev.SleepFailed("llm"))) == ["llm"]
    assert desk.texts("stop") == ["llm is stopped: it would not sleep"]


def test_a_sleeper_that_is_in_the_way_is_stopped() -> None:
    desk = Desk(worker("llm", 12, can_sleep=True), worker("new", 23.9, start_s=1))
    desk.up("llm")
    desk.asleep("llm", left=1)
    assert stops(desk.ask("a", "new")) == ["llm"]
    assert starts(desk.gone("llm")) == ["new"]


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(1, 150))
def test_the_smallest_set_suffices_and_nobody_in_it_is_spare(sizes: list[int], need: int) -> None:
    chosen = smallest_set(sizes, need)
    if chosen is None:
        assert sum(sizes) < need
        return
    given_back = sum(sizes[index] for index in chosen)
    assert given_back >= need
    assert all(given_back - sizes[index] < need for index in chosen)
    assert chosen == sorted(set(chosen))
