"""Workers that end by themselves or will not start: back-off, crash loops, rests."""

from __future__ import annotations

import pytest

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Revoke, Start, WatchMemory
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.slot_state import SlotState

from .desk import GPU, Desk, answers, cpu_worker, denial, gib, starts, worker


def crash(desk: Desk, name: str) -> None:
    desk.do(ev.Exited(name))
    desk.do(ev.MemoryReturned(name))


def test_the_leases_of_a_crashed_worker_are_revoked() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.lease("a", "f5")
    assert desk.do(ev.Exited("f5")) == [Revoke("a", "f5"), WatchMemory("f5", GPU)]
    assert desk.do(ev.Released("a")) == []
    assert desk.texts("crashed") == ["f5 ended by itself; next try in 0.5 s"]


def test_a_crash_in_use_brings_it_back_for_whoever_asks_again() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.lease("a", "f5")
    crash(desk, "f5")
    assert starts(desk.wait(0.5)) == ["f5"]
    assert desk.texts("start")[-1].endswith("it crashed")


def test_an_idle_worker_that_crashed_stays_away_until_it_is_asked_for() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    crash(desk, "f5")
    assert desk.wait(60) == []


def test_a_preloaded_worker_comes_back_by_itself_with_growing_pauses() -> None:
    desk = Desk(worker("asr", preload=True))
    pauses = []
    for _ in range(4):
        desk.do(ev.Started("asr"))
        crash(desk, "asr")
        began_s = desk.now_s
        while not starts(desk.wait(0.25)):
            pass
        pauses.append(desk.now_s - began_s)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_five_failures_in_two_minutes_are_a_crash_loop_and_it_rests() -> None:
    desk = Desk(worker("asr", preload=True), cpu_worker("asr-cpu"))
    desk.up("asr-cpu")
    while desk.state("asr") is not SlotState.FAILED:
        desk.do(ev.StartFailed("asr", "crashed"))
        desk.do(ev.MemoryReturned("asr"))
        desk.wait(5)
    assert len(desk.texts("crashed")) == 4
    assert desk.texts("failed") == ["the start of asr failed (crashed); it keeps failing and rests for 60 s"]
    (grant,) = answers(desk.ask("a", "asr", "asr-cpu"))
    assert grant.worker == "asr-cpu"  # type: ignore[union-attr]


def test_each_further_crash_loop_means_a_longer_rest_up_to_a_limit() -> None:
    desk = Desk(worker("asr", preload=True))
    rests = []
    for _ in range(6):
        while desk.state("asr") is not SlotState.FAILED:
            desk.do(ev.StartFailed("asr", "crashed"))
            desk.do(ev.MemoryReturned("asr"))
            if desk.state("asr") is not SlotState.FAILED:
                desk.wait(5)
        began_s = desk.now_s
        while not starts(desk.wait(1)):
            pass
        rests.append(desk.now_s - began_s)
    assert rests == [60, 120, 240, 480, 600, 600]


def test_a_good_life_makes_crash_loops_forgotten() -> None:
    desk = Desk(worker("asr", preload=True))
    while desk.state("asr") is not SlotState.FAILED:
        desk.do(ev.StartFailed("asr", "crashed"))
        desk.do(ev.MemoryReturned("asr"))
        desk.wait(5)
    desk.wait(60)
    desk.do(ev.Started("asr"))
    desk.wait(61)
    crash(desk, "asr")
    assert desk.texts("crashed")[-1] == "asr ended by itself; next try in 0.5 s"
    assert desk.slot("asr").cool_downs == 0


def test_a_broken_configuration_is_tried_again_only_when_a_person_asks() -> None:
    desk = Desk(worker("asr", preload=True))
    desk.do(ev.StartFailed("asr", "config"))
    desk.do(ev.MemoryReturned("asr"))
    assert desk.wait(3600) == []
    deny = denial(desk.ask("a", "asr"))
    assert (deny.code, deny.retry_after_s) == ("worker-failed", None)
    assert starts(desk.do(ev.StartWanted("asr"))) == ["asr"]


def test_a_request_during_the_pause_is_told_when_it_comes_back() -> None:
    desk = Desk(worker("f5", start_s=1))
    desk.up("f5")
    crash(desk, "f5")
    deny = denial(desk.ask("a", "f5", wait_s=0))
    assert (deny.text, deny.retry_after_s) == ("f5 comes back in 0.5 s", pytest.approx(1.5))


def test_a_worker_that_fails_for_good_is_said_to_have_failed_before_its_memory_is_back() -> None:
    desk = Desk(worker("f5"))
    desk.do(ev.StartWanted("f5"))
    desk.do(ev.StartFailed("f5", "config"))
    assert desk.state("f5") is SlotState.STOPPING
    assert denial(desk.ask("a", "f5")).code == "worker-failed"


def test_a_sleeper_or_waker_that_dies_is_noticed() -> None:
    desk = Desk(worker("llm", can_sleep=True))
    desk.up("llm")
    desk.asleep("llm", left=0.2)
    assert desk.do(ev.Exited("llm")) == [WatchMemory("llm", GPU)]
    desk.do(ev.MemoryReturned("llm"))
    assert desk.account().charged_bytes == 0


def test_an_end_that_is_told_twice_counts_once() -> None:
    desk = Desk(worker("f5"))
    desk.up("f5")
    desk.do(ev.Exited("f5"))
    assert desk.do(ev.Exited("f5")) == []
    assert len(desk.texts("crashed")) == 1


# A GPU on which a worker does not start, where it has another device


def test_after_the_second_failure_on_a_gpu_the_next_device_is_tried() -> None:
    desk = Desk(worker("asr", devices=(GPU, CPU), preload=True))
    desk.do(ev.StartFailed("asr", "crashed"))
    desk.do(ev.MemoryReturned("asr"))
    assert desk.wait(0.5) == [Start("asr", GPU, desk.charge("asr"))]
    desk.do(ev.StartFailed("asr", "crashed"))
    assert Start("asr", CPU, gib(1)) in [*desk.do(ev.MemoryReturned("asr")), *desk.wait(1)]
    assert desk.texts("failed") == ["asr does not start on cuda:0 (crashed): from now on cpu"]


def test_a_broken_configuration_is_broken_for_one_device_at_a_time() -> None:
    desk = Desk(worker("asr", devices=(GPU, CPU), preload=True))
    desk.do(ev.StartFailed("asr", "config"))
    desk.do(ev.MemoryReturned("asr"))
    assert desk.slot("asr").device == CPU
    desk.do(ev.StartFailed("asr", "config"))
    desk.do(ev.MemoryReturned("asr"))
    assert desk.state("asr") is SlotState.FAILED


def test_a_person_has_the_gpu_tried_again() -> None:
    desk = Desk(worker("asr", devices=(GPU, CPU)))
    desk.do(ev.StartWanted("asr"))
    desk.do(ev.StartFailed("asr", "config"))
    desk.do(ev.MemoryReturned("asr"))
    assert desk.slot("asr").spec.devices == (CPU,)
    desk.do(ev.StartWanted("asr"))
    assert desk.slot("asr").spec.devices == (GPU, CPU)
