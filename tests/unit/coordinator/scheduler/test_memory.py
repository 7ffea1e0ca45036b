"""Rules 4, 6, 7 and 15: bytes are charged before they are taken, until they were seen to come back, as measured."""

from __future__ import annotations

import pytest

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Start, WatchMemory
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.leases import Urgency

from .desk import GPU, Desk, gib, starts, stops, worker


def test_a_start_is_charged_its_peak_and_then_its_rest() -> None:
    desk = Desk(worker("llm", 8.4, 9.6))
    assert desk.do(ev.StartWanted("llm")) == [Start("llm", GPU, gib(9.6))]
    assert desk.charge("llm") == gib(9.6)
    desk.do(ev.Started("llm"))
    assert desk.charge("llm") == gib(8.4)


def test_memory_stays_charged_until_it_was_seen_to_come_back() -> None:
    desk = Desk(worker("old", 20), worker("new", 20))
    desk.up("old")
    desk.do(ev.StopWanted("old"))
    desk.ask("a", "new")
    assert desk.do(ev.Stopped("old")) == [WatchMemory("old", GPU)]
    assert desk.charge("old") == gib(20)
    assert starts(desk.do(ev.MemoryReturned("old"))) == ["new"]


def test_memory_does_not_come_back_before_its_process_has_ended() -> None:
    desk = Desk(worker("old", 20))
    desk.up("old")
    desk.do(ev.StopWanted("old"))
    desk.do(ev.MemoryReturned("old"))  # of an earlier life
    assert desk.state("old") is SlotState.STOPPING
    assert desk.charge("old") == gib(20)


def test_an_end_that_is_told_twice_is_watched_once() -> None:
    desk = Desk(worker("old", 20))
    desk.up("old")
    desk.do(ev.StopWanted("old"))
    assert desk.do(ev.Stopped("old")) == [WatchMemory("old", GPU)]
    assert desk.do(ev.Stopped("old")) == []


def test_residue_counts_as_a_strangers_until_the_next_look() -> None:
    desk = Desk(worker("old", 20), worker("new", 23))
    desk.up("old")
    desk.do(ev.StopWanted("old"))
    desk.gone("old", residue=2)
    assert desk.account().foreign_bytes == gib(2)
    assert desk.texts("residue") == ["old left 2 GiB on cuda:0"]
    assert desk.ask("a", "new") == []
    assert starts(desk.see()) == ["new"]


def test_measured_replaces_estimated_for_the_next_time() -> None:
    desk = Desk(worker("llm", 8, 9, start_s=60))
    desk.do(ev.StartWanted("llm"))
    desk.do(ev.Started("llm", gib(7), gib(10), 85.0))
    spec = desk.slot("llm").spec
    assert (spec.rest_bytes, spec.peak_bytes, spec.start_s) == (gib(7), gib(10), 85.0)
    assert desk.charge("llm") == gib(7)
    assert desk.texts("ready") == ["llm is ready with 7 GiB: it started in 85.0 s"]


def test_what_cannot_be_measured_stays_estimated() -> None:
    desk = Desk(worker("llm", 8, 9, start_s=60))
    desk.up("llm")
    spec = desk.slot("llm").spec
    assert (spec.rest_bytes, spec.peak_bytes, spec.start_s) == (gib(8), gib(9), 60)


def test_small_growth_is_charged_without_a_word() -> None:
    desk = Desk(worker("asr", 2))
    desk.up("asr")
    desk.see(own={"asr": 2.05})
    assert desk.charge("asr") == gib(2.05)
    assert desk.texts("surprise") == []


def test_large_growth_is_told_and_remembered() -> None:
    desk = Desk(worker("asr", 2))
    desk.up("asr")
    desk.see(own={"asr": 2.5})
    assert desk.texts("surprise") == ["asr holds 2.5 GiB of cuda:0 instead of 2 GiB"]
    assert desk.slot("asr").spec.rest_bytes == gib(2.5)
    assert desk.slot("asr").spec.peak_bytes == gib(2.5)


def test_less_than_charged_gives_nothing_away() -> None:
    """What it does not hold at this moment it may hold at the next."""
    desk = Desk(worker("asr", 2))
    desk.up("asr", rest=2)
    desk.see(own={"asr": 1})
    assert desk.charge("asr") == gib(2)


def test_a_start_that_takes_more_than_its_peak_is_charged_more() -> None:
    desk = Desk(worker("llm", 8, 9), worker("f5", 14))
    desk.up("f5")
    desk.do(ev.StartWanted("llm"))
    assert stops(desk.see(own={"llm": 11})) == ["f5"]
    assert desk.slot("llm").spec.peak_bytes == gib(11)


def test_what_breaks_the_budget_is_shed_idle_first() -> None:
    desk = Desk(worker("a", 8), worker("b", 8), worker("c", 6))
    desk.up("a", "b", "c")
    desk.lease("x", "a")
    assert stops(desk.see(own={"a": 11})) == ["b"]
    assert desk.texts("shed") == ["b is stopped: cuda:0 is 1 GiB over its budget"]
    assert stops(desk.see(own={"a": 11})) == []  # what is on its way out is enough


def test_if_all_who_are_idle_are_not_enough_they_all_go() -> None:
    desk = Desk(worker("a", 8), worker("b", 2), worker("kept", 2, pinned=True))
    desk.up("a", "b", "kept")
    desk.lease("x", "a")
    assert stops(desk.see(foreign=15)) == ["b"]


def test_a_start_is_given_up_for_strangers_only() -> None:
    desk = Desk(worker("llm", 8, 9), worker("f5", 2))
    desk.up("f5")
    desk.lease("x", "f5", Urgency.IDLE)
    desk.do(ev.StartWanted("llm"))
    assert stops(desk.see(own={"llm": 23})) == []  # it may yet succeed
    assert stops(desk.see(foreign=5)) == ["llm"]


def test_who_was_shed_does_not_come_back_at_once() -> None:
    desk = Desk(worker("f5", 8, preload=True))
    desk.do(ev.Started("f5"))
    assert stops(desk.see(foreign=20)) == ["f5"]
    desk.gone("f5")
    assert desk.see() == []
    assert desk.wait(14.9) == []
    assert starts(desk.wait(0.2)) == ["f5"]


def test_strangers_are_counted_as_seen() -> None:
    desk = Desk(worker("llm", 9))
    desk.see(foreign=16)
    assert desk.ask("a", "llm") == []
    assert starts(desk.see(foreign=14)) == ["llm"]


def test_where_pids_are_hidden_what_is_charged_explains_what_is_used() -> None:
    desk = Desk(worker("llm", 9), worker("new", 14))
    desk.up("llm")
    desk.see(own={"llm": None})
    assert desk.account().foreign_bytes == 0
    desk.see(foreign=3, own={"llm": None})
    assert desk.account().foreign_bytes == gib(3)
    assert desk.charge("llm") == gib(9)


def test_a_worker_of_unknown_size_is_measured() -> None:
    desk = Desk(worker("blind", 0))
    desk.up("blind")
    desk.see(own={"blind": 3})
    assert desk.charge("blind") == gib(3)
    assert desk.account().foreign_bytes == 0


def test_a_sleeper_is_charged_what_it_is_seen_to_keep() -> None:
    desk = Desk(worker("llm", 9, can_sleep=True))
    desk.up("llm")
    desk.asleep("llm", left=0.5)
    desk.see(own={"llm": 0.9})
    assert desk.charge("llm") == gib(0.9)
    desk.see(own={"llm": 0.7})
    assert desk.charge("llm") == gib(0.7)
    assert desk.slot("llm").spec.rest_bytes == gib(9)


def test_a_worker_that_was_found_asleep_is_measured_when_it_is_awake() -> None:
    desk = Desk(worker("llm", 9, can_sleep=True))
    desk.do(ev.Adopted("llm", GPU, asleep=True))
    desk.do(ev.StartWanted("llm"))
    desk.do(ev.Woke("llm"))
    assert desk.charge("llm") == gib(9)
    desk.see(own={"llm": 7})
    assert desk.charge("llm") == gib(7)
    desk.see(own={"llm": 6})
    assert desk.charge("llm") == gib(7)


def test_ram_beside_the_gpu_is_charged_from_the_start_and_as_seen() -> None:
    desk = Desk(worker("llm", 9, host_bytes=gib(2)))
    desk.do(ev.StartWanted("llm"))
    assert desk.charge("llm", CPU) == gib(2)
    desk.do(ev.Started("llm"))
    desk.see(CPU, own={"llm": 3})
    assert desk.charge("llm", CPU) == gib(3)
    assert desk.slot("llm").spec.host_bytes == gib(3)
    assert desk.slot("llm").spec.rest_bytes == gib(9)


def test_a_sleeper_is_charged_the_ram_it_sleeps_in() -> None:
    desk = Desk(worker("llm", 9, host_bytes=gib(2), can_sleep=True))
    desk.up("llm")
    desk.asleep("llm", left=1)
    assert desk.charge("llm", CPU) == gib(11)
    desk.do(ev.StartWanted("llm"))
    desk.do(ev.Woke("llm"))
    assert desk.charge("llm", CPU) == gib(2)


def test_where_ram_runs_short_sleepers_end() -> None:
    desk = Desk(worker("llm", 9, can_sleep=True), ram_gib=16)
    desk.up("llm")
    desk.asleep("llm", left=1)
    assert stops(desk.see(CPU, foreign=8)) == ["llm"]


@pytest.mark.parametrize("device", [GPU, CPU])
def test_nothing_is_charged_when_all_have_gone(device: str) -> None:
    desk = Desk(worker("llm", 9, host_bytes=gib(2)))
    desk.up("llm")
    desk.do(ev.StopWanted("llm"))
    desk.gone("llm")
    assert desk.account(device).charged_bytes == 0
    assert desk.slot("llm").device is None


def next_life(desk: Desk, name: str, rest: float) -> None:
    desk.do(ev.StopWanted(name))
    desk.gone(name)
    desk.do(ev.StartWanted(name))
    desk.do(ev.Started(name, gib(rest)))


def test_growth_in_use_is_expected_of_the_next_life() -> None:
    """F5-TTS takes half a GiB more when it is used first: room for it is kept from its start."""
    desk = Desk(worker("f5", 2))
    desk.up("f5", rest=1.6)
    desk.see(own={"f5": 2.1})
    next_life(desk, "f5", 1.6)
    assert desk.charge("f5") == pytest.approx(gib(2.1), abs=2)
    desk.see(own={"f5": 2.1})
    assert len(desk.texts("surprise")) == 1


def test_a_leak_is_not_expected_of_the_next_life() -> None:
    desk = Desk(worker("f5", 2))
    desk.up("f5", rest=2)
    desk.see(own={"f5": 9})
    next_life(desk, "f5", 2)
    assert desk.charge("f5") == gib(3)


def test_ram_that_was_seen_at_a_start_is_expected_of_the_next() -> None:
    desk = Desk(worker("f5", 2, host_bytes=gib(1)))
    desk.do(ev.StartWanted("f5"))
    desk.see(CPU, own={"f5": 1.5})
    desk.do(ev.Started("f5", gib(2)))
    next_life(desk, "f5", 2)
    assert desk.charge("f5", CPU) == gib(1.5)


def test_who_is_shed_again_and_again_stays_away_ever_longer() -> None:
    """Where pids are hidden, a worker that takes more than its estimate brings a stranger along each time it comes."""
    desk = Desk(worker("f5", 8, preload=True))
    pauses = []
    for _ in range(4):
        desk.do(ev.Started("f5"))
        assert stops(desk.see(foreign=20, own={"f5": None})) == ["f5"]
        desk.gone("f5")
        desk.see()
        began_s = desk.now_s
        while not starts(desk.wait(1)):
            pass
        pauses.append(desk.now_s - began_s)
    assert pauses == [15, 30, 60, 120]


def test_a_long_life_makes_sheds_forgotten() -> None:
    desk = Desk(worker("f5", 8, preload=True))
    for _ in range(3):
        desk.do(ev.Started("f5"))
        desk.wait(60)
        assert stops(desk.see(foreign=20)) == ["f5"]
        desk.gone("f5")
        desk.see()
        assert starts(desk.wait(15)) == ["f5"]
