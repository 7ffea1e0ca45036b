"""Rule 10: others' processes are budgeted as seen, and a guest gets the whole card."""

from __future__ import annotations

from dataclasses import replace

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Deny, Grant, Start
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.leases import Urgency

from .desk import GPU, PLAIN, Desk, answers, cpu_worker, sleeps, starts, stops, wakes, worker

AUTO = replace(PLAIN, guest_share=0.5, guest_linger_s=30.0, guest_names=frozenset({"game"}))


def desk_with_f5() -> Desk:
    desk = Desk(worker("f5", 2, preload=True), policy=AUTO)
    desk.do(ev.Started("f5"))
    return desk


def test_who_holds_half_of_the_card_gets_it_all() -> None:
    desk = desk_with_f5()
    assert stops(desk.see(foreign=11.9)) == []
    assert stops(desk.see(foreign=12)) == ["f5"]
    assert desk.texts("guest-mode") == ["cuda:0 is a guest's: others hold 50% of the GPU"]


def test_a_named_program_gets_the_card_whatever_it_holds() -> None:
    desk = desk_with_f5()
    assert stops(desk.see(foreign=0.3, names=frozenset({"game", "Xorg"}))) == ["f5"]
    assert desk.texts("stop") == ["f5 is stopped: game"]


def test_pinned_workers_leave_too() -> None:
    desk = Desk(worker("f5", 2, pinned=True), policy=AUTO)
    desk.up("f5")
    assert stops(desk.do(ev.GuestModeChanged("on"))) == ["f5"]


def test_who_can_sleep_sleeps_and_is_woken_when_the_guest_has_left() -> None:
    desk = Desk(worker("llm", 9, can_sleep=True, preload=True), policy=AUTO)
    desk.do(ev.Started("llm"))
    assert sleeps(desk.see(foreign=12)) == ["llm"]
    desk.do(ev.FellAsleep("llm", 2**29))
    desk.see()
    assert wakes(desk.wait(29)) == []
    assert wakes(desk.wait(1)) == ["llm"]
    assert desk.texts("guest-mode")[-1] == "the guest has left cuda:0"


def test_a_guest_that_loads_its_next_level_does_not_find_us_in_its_way() -> None:
    desk = desk_with_f5()
    desk.see(foreign=14)
    desk.gone("f5")
    desk.see(foreign=2)
    desk.wait(20)
    desk.see(foreign=14)
    desk.see(foreign=2)
    assert desk.wait(29) == []
    assert starts(desk.wait(1)) == ["f5"]


def test_between_half_and_a_quarter_the_guest_stays() -> None:
    desk = desk_with_f5()
    desk.see(foreign=14)
    desk.gone("f5")
    desk.see(foreign=7)
    assert desk.wait(300) == []


def test_a_worker_in_use_leaves_when_it_is_done_and_takes_nobody_more() -> None:
    desk = Desk(worker("f5", 2), cpu_worker("piper"), policy=AUTO)
    desk.up("f5", "piper")
    desk.lease("a", "f5")
    assert desk.see(foreign=12) == []
    assert desk.ask("b", "f5", "piper") == [
        Grant("b", "piper", "piper instead of f5: f5: cuda:0 is a guest's: others hold 50% of the GPU")
    ]
    assert stops(desk.do(ev.Released("a"))) == ["f5"]


def test_a_start_is_given_up() -> None:
    desk = Desk(worker("llm", 9, start_s=85, preload=True), policy=AUTO)
    assert desk.state("llm") is SlotState.STARTING
    assert stops(desk.see(foreign=12)) == ["llm"]
    desk.gone("llm")
    assert desk.state("llm") is SlotState.STOPPED


def test_requests_are_told_at_once() -> None:
    desk = Desk(worker("f5", 2), policy=AUTO)
    desk.see(foreign=12)
    assert desk.ask("a", "f5") == [Deny("a", "guest-mode", "f5: cuda:0 is a guest's: others hold 50% of the GPU", None)]


def test_voice_goes_on_on_the_cpu() -> None:
    desk = Desk(worker("asr", 2, devices=(GPU, CPU), start_s=1), policy=AUTO)
    desk.see(foreign=12)
    assert desk.ask("a", "asr")[0] == Start("asr", CPU, 2 * 2**30)


def test_people_may_give_the_card_away_for_a_while() -> None:
    desk = desk_with_f5()
    assert stops(desk.do(ev.GuestModeChanged("on", desk.now_s + 60))) == ["f5"]
    desk.gone("f5")
    assert desk.wait(59) == []
    assert starts(desk.wait(1)) == ["f5"]
    assert desk.texts("guest-mode") == ["guest mode is on", "guest mode is auto again"]


def test_people_may_keep_the_card() -> None:
    desk = desk_with_f5()
    desk.do(ev.GuestModeChanged("off"))
    assert stops(desk.see(foreign=14)) == []
    assert stops(desk.do(ev.GuestModeChanged("auto"))) == ["f5"]
    assert desk.texts("guest-mode")[-1] == "cuda:0 is a guest's: others hold 58% of the GPU"


def test_guests_of_one_gpu_do_not_concern_the_other() -> None:
    desk = Desk(worker("f5", 2, devices=("cuda:1",)), gpus={"cuda:0": 24, "cuda:1": 24}, policy=AUTO)
    desk.up("f5")
    assert desk.see("cuda:0", foreign=20) == []
    assert answers(desk.ask("a", "f5", urgency=Urgency.FINAL)) == [Grant("a", "f5")]
