"""Rule 4, and 11 for starts: where a worker can start, each branch of the tree in placement.py with its words."""

from __future__ import annotations

from typing import Any

import pytest

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Start
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.placement import Chance, Place
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec

from .desk import GPU, PLAIN, Desk, cpu_worker, denial, gib, starts, stops, wakes, worker

TWO = {"cuda:0": 24.0, "cuda:1": 24.0}


def place(desk: Desk, name: str, eviction: Eviction = Eviction.LOWER) -> Place:
    return desk.scheduler.place(desk.slot(name), desk.now_s, eviction)


def both(name: str, rest_gib: float, **fields: Any) -> WorkerSpec:
    return worker(name, rest_gib, devices=("cuda:0", "cuda:1"), **fields)


def test_it_fits() -> None:
    desk = Desk(worker("f5", 2, 3))
    found = place(desk, "f5")
    assert (found.chance, found.device, found.text) == (Chance.FITS, GPU, "3 GiB of 24 GiB free on cuda:0")


def test_the_ceiling_and_the_headroom_are_kept_free() -> None:
    desk = Desk(worker("big", 21.4), worker("fits", 21.3), policy=type(PLAIN)())
    assert place(desk, "big").text == "needs 21.4 GiB, all of cuda:0 is 21.3 GiB"  # 0.9 * 24 - 0.25 = 21.35
    assert place(desk, "big").chance is Chance.NEVER
    assert place(desk, "fits").chance is Chance.FITS


def test_nobody_has_seen_the_device() -> None:
    desk = Desk(worker("f5"), gpus={})
    found = place(desk, "f5")
    assert (found.chance, found.text) == (Chance.SHORT, "cuda:0 cannot be read")


def test_a_lost_device_gets_no_start_until_it_is_seen_again() -> None:
    desk = Desk(worker("f5"))
    desk.do(ev.DeviceLost(GPU))
    assert place(desk, "f5").text == "cuda:0 cannot be read"
    assert desk.ask("a", "f5") == []
    assert starts(desk.see()) == ["f5"]
    assert desk.texts("device")[-2:] == ["cuda:0 cannot be read any more", "cuda:0 has 24 GiB"]


def test_guest_mode() -> None:
    desk = Desk(worker("f5"))
    desk.do(ev.GuestModeChanged("on"))
    found = place(desk, "f5")
    assert (found.chance, found.text) == (Chance.GUEST, "cuda:0 is a guest's: guest mode was switched on")


def test_more_than_the_whole_budget_never_fits() -> None:
    desk = Desk(worker("llm", 20, 25))
    found = place(desk, "llm")
    assert (found.chance, found.text) == (Chance.NEVER, "needs 25 GiB, all of cuda:0 is 24 GiB")


def test_starts_on_a_gpu_wait_for_each_other() -> None:
    desk = Desk(worker("llm", start_s=85), worker("f5", start_s=10))
    desk.do(ev.StartWanted("llm"))
    desk.now_s += 5
    found = place(desk, "f5")
    assert (found.chance, found.text) == (Chance.PENDING, "llm is coming up on cuda:0")
    assert denial(desk.ask("a", "f5", wait_s=0)).retry_after_s == pytest.approx(80 + 10)


def test_a_waking_counts_as_a_start() -> None:
    desk = Desk(worker("llm", can_sleep=True), worker("f5"))
    desk.up("llm")
    desk.asleep("llm", left=0.5)
    assert wakes(desk.do(ev.StartWanted("llm"))) == ["llm"]
    assert place(desk, "f5").text == "llm is coming up on cuda:0"


def test_starts_on_the_cpu_do_not_wait_for_each_other() -> None:
    desk = Desk(cpu_worker("piper"), cpu_worker("small"))
    assert starts(desk.do(ev.StartWanted("piper"))) == ["piper"]
    assert starts(desk.do(ev.StartWanted("small"))) == ["small"]


def test_a_device_that_is_cleared_for_somebody_is_not_taken_by_others() -> None:
    desk = Desk(worker("old", 20), worker("new", 20), worker("tiny", 1))
    desk.up("old")
    assert stops(desk.ask("a", "new")) == ["old"]
    found = place(desk, "tiny")
    assert (found.chance, found.text) == (Chance.PENDING, "cuda:0 is being cleared for new")
    assert desk.do(ev.StartWanted("tiny")) == []
    assert starts(desk.gone("old")) == ["new"]


def test_what_is_on_its_way_out_is_waited_for() -> None:
    desk = Desk(worker("old", 20), worker("new", 20))
    desk.up("old")
    desk.do(ev.StopWanted("old"))
    found = place(desk, "new")
    assert (found.chance, found.text) == (Chance.PENDING, "memory of cuda:0 is on its way back")


def test_what_falls_asleep_gives_back_all_but_what_it_keeps() -> None:
    desk = Desk(worker("llm", 20, can_sleep=True, sleep_bytes=gib(1)), worker("a", 23), worker("b", 23.5))
    desk.up("llm")
    desk.do(ev.SleepWanted("llm"))
    assert place(desk, "a").chance is Chance.PENDING
    assert place(desk, "b", Eviction.NONE).chance is Chance.SHORT


def test_victims_are_named() -> None:
    desk = Desk(worker("a", 10), worker("b", 10), worker("new", 24))
    desk.up("a", "b")
    found = place(desk, "new")
    assert (found.chance, found.text) == (Chance.EVICT, "24 GiB on cuda:0 in place of a, b")
    assert found.need_bytes == gib(20)


def test_a_shortage_says_who_holds_the_memory_and_why_they_stay() -> None:
    desk = Desk(
        worker("llm", 8.4), worker("asr", 2.5), worker("kept", 2, pinned=True), worker("f5", 8.1, 9.1, start_s=1)
    )
    desk.up("llm", "asr", "kept")
    desk.see(foreign=4)
    desk.lease("a", "llm")
    desk.lease("b", "asr")
    found = place(desk, "f5")
    assert found.chance is Chance.SHORT
    assert found.text == (
        "needs 9.1 GiB on cuda:0, 7.1 GiB free, in use: asr, llm, not to be sent away: kept, others hold 4 GiB"
    )
    desk.ask("c", "f5")
    assert denial(desk.wait(2)).text == f"f5: {found.text}"


def test_a_worker_that_can_do_both_waits_for_the_gpu_rather_than_take_the_cpu() -> None:
    desk = Desk(worker("llm", start_s=85), worker("asr", devices=(GPU, CPU)))
    desk.do(ev.StartWanted("llm"))
    assert (place(desk, "asr").chance, place(desk, "asr").device) == (Chance.PENDING, GPU)


def test_a_worker_that_can_do_both_takes_the_cpu_where_the_gpu_will_not_do() -> None:
    desk = Desk(worker("asr", devices=(GPU, CPU)), worker("huge", 25, devices=(GPU, CPU)))
    assert place(desk, "huge").device == CPU
    desk.do(ev.GuestModeChanged("on"))
    assert desk.do(ev.StartWanted("asr")) == [Start("asr", CPU, gib(1))]


# Several GPUs


def test_of_several_gpus_the_one_with_most_room_is_taken() -> None:
    desk = Desk(both("a", 10), both("b", 10), gpus=TWO)
    desk.see("cuda:0", foreign=3)
    assert starts(desk.do(ev.StartWanted("a"))) == ["a"]
    assert desk.slot("a").device == "cuda:1"
    assert starts(desk.do(ev.StartWanted("b"))) == ["b"]  # another GPU: they need not wait for each other
    assert desk.slot("b").device == "cuda:0"


def test_a_free_gpu_is_taken_before_anybody_is_sent_away() -> None:
    desk = Desk(worker("old", 20), both("new", 20), gpus=TWO)
    desk.up("old")
    desk.see("cuda:1", foreign=3)
    assert desk.do(ev.StartWanted("new")) == [Start("new", "cuda:1", gib(20))]


def test_nobody_is_sent_away_on_a_second_gpu_while_the_first_is_being_cleared() -> None:
    desk = Desk(worker("x", 20), worker("y", 20, devices=("cuda:1",)), both("new", 20), gpus=TWO)
    desk.up("x", "y")
    first = stops(desk.ask("a", "new"))
    assert len(first) == 1
    assert stops(desk.wait(0.1)) == []
    assert stops(desk.do(ev.Stopped(first[0]))) == []
    assert starts(desk.do(ev.MemoryReturned(first[0]))) == ["new"]


def test_a_sleeper_is_woken_where_it_sleeps() -> None:
    desk = Desk(both("llm", 10, can_sleep=True, sleep_bytes=gib(1)), gpus=TWO)
    desk.up("llm")
    device = desk.slot("llm").device
    desk.asleep("llm")
    assert place(desk, "llm").device == device
    assert place(desk, "llm").text == f"9 GiB of 23 GiB free on {device}"  # it holds 1 GiB already


# RAM beside the GPU


def test_a_start_on_a_gpu_needs_its_share_of_ram() -> None:
    desk = Desk(worker("llm", 8, host_bytes=gib(4)), ram_gib=3)
    found = place(desk, "llm")
    assert (found.chance, found.text) == (Chance.SHORT, "needs 4 GiB of RAM, 3 GiB free")


def test_ram_on_its_way_back_is_waited_for() -> None:
    desk = Desk(worker("llm", 8, host_bytes=gib(4)), cpu_worker("small", 3), ram_gib=4)
    desk.up("small")
    desk.do(ev.StopWanted("small"))
    assert place(desk, "llm").text == "RAM is on its way back"
    assert desk.ask("a", "llm") == []
    assert starts(desk.gone("small")) == ["llm"]


def test_a_sleeper_is_ended_where_another_worker_needs_the_ram_it_sleeps_in() -> None:
    desk = Desk(
        worker("old", 8, can_sleep=True, sleep_bytes=gib(1)),
        worker("new", 8, host_bytes=gib(4), start_s=1),
        ram_gib=10,
    )
    desk.up("old")
    desk.asleep("old")
    assert place(desk, "new").text == "4 GiB of RAM in place of old"
    assert stops(desk.ask("a", "new")) == ["old"]
    assert starts(desk.gone("old")) == ["new"]


def test_nobody_is_ended_for_ram_where_the_gpu_will_not_do() -> None:
    desk = Desk(
        worker("old", 8, can_sleep=True, sleep_bytes=gib(1)),
        worker("kept", 20, pinned=True),
        worker("new", 8, host_bytes=gib(4)),
        ram_gib=10,
    )
    desk.up("old")
    desk.asleep("old")
    desk.up("kept")
    found = place(desk, "new")
    assert found.chance is Chance.SHORT
    assert found.device == GPU


def test_a_sleeper_needs_no_more_ram_to_wake() -> None:
    desk = Desk(worker("llm", 8, host_bytes=gib(1), can_sleep=True), ram_gib=10)
    desk.up("llm")
    desk.asleep("llm", left=0.5)
    desk.see(CPU, foreign=1)  # nothing is left
    assert wakes(desk.ask("a", "llm")) == ["llm"]


def test_a_worker_on_the_cpu_may_take_the_ram_of_a_sleeper() -> None:
    desk = Desk(worker("llm", 8, can_sleep=True), cpu_worker("small", 4, start_s=1), ram_gib=10)
    desk.up("llm")
    desk.asleep("llm", left=0.5)
    assert stops(desk.ask("a", "small")) == ["llm"]
    assert desk.state("llm") is SlotState.STOPPING


def test_of_two_gpus_alike_the_first_is_taken() -> None:
    desk = Desk(both("a", 10), gpus=TWO)
    assert desk.do(ev.StartWanted("a")) == [Start("a", "cuda:0", gib(10))]


def test_a_gpu_that_will_not_do_any_more_is_not_kept_free_when_another_is_cleared() -> None:
    desk = Desk(
        worker("x", 20), worker("y", 20, devices=("cuda:1",)), both("new", 20), worker("tiny", 1), gpus=TWO
    )  # fmt: skip
    desk.up("x", "y")
    first = stops(desk.ask("a", "new", wait_s=60))
    assert first == ["x"]
    desk.do(ev.Stopped("x"))
    desk.see("cuda:0", foreign=20)  # somebody else was quicker
    assert stops(desk.do(ev.MemoryReturned("x"))) == ["y"] or desk.state("y") is SlotState.STOPPING
    assert (desk.account("cuda:0").promised_to, desk.account("cuda:1").promised_to) == (None, "new")


def test_a_sleeper_for_whom_room_is_made_is_nobodys_victim() -> None:
    """Else whoever left for it has left for nothing."""
    desk = Desk(
        worker("llm", 12, can_sleep=True, sleep_bytes=gib(1), start_s=1),
        worker("old", 20, priority=10),
        cpu_worker("small", 10, start_s=1),
        ram_gib=16,
    )
    desk.up("llm")
    desk.asleep("llm")
    desk.up("old")
    assert stops(desk.ask("a", "llm", wait_s=30)) == ["old"]
    assert stops(desk.ask("b", "small", wait_s=30)) == []
    assert wakes(desk.gone("old")) == ["llm"]
