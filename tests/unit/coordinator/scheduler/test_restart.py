"""Rule 14: a new life of the coordinator finds what runs, and its users tell what they hold."""

from __future__ import annotations

from dataclasses import replace

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Revoke
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency

from .desk import GPU, PLAIN, Desk, gib, starts, stops, wakes, worker


def adopted(*specs: WorkerSpec, policy: SchedulerPolicy = PLAIN) -> Desk:
    desk = Desk(*specs, gpus={}, policy=policy)
    for name in desk.scheduler.slots:
        desk.do(ev.Adopted(name, GPU, rest_bytes=desk.slot(name).spec.rest_bytes))
    desk.sizes[GPU] = 24.0
    desk.see()
    return desk


def test_what_runs_is_found_with_what_it_holds_and_not_started_again() -> None:
    desk = Desk(worker("llm", 8, 9, preload=True), gpus={})
    desk.do(ev.Adopted("llm", GPU, rest_bytes=gib(10)))
    desk.sizes[GPU] = 24.0
    assert desk.see() == []
    assert desk.state("llm") is SlotState.READY
    assert desk.charge("llm") == gib(10)
    assert desk.slot("llm").spec.peak_bytes == gib(10)
    assert desk.texts("ready") == ["llm was found running on cuda:0"]


def test_a_sleeper_is_found_asleep_and_woken_when_wanted() -> None:
    desk = Desk(worker("llm", 8, host_bytes=gib(1), can_sleep=True, sleep_bytes=gib(1)), gpus={})
    desk.do(ev.Adopted("llm", GPU, asleep=True))
    desk.sizes[GPU] = 24.0
    desk.see()
    assert (desk.charge("llm"), desk.charge("llm", CPU)) == (gib(1), gib(9))
    assert wakes(desk.ask("a", "llm")) == ["llm"]


def test_users_declare_their_leases() -> None:
    desk = adopted(worker("f5"))
    assert desk.do(ev.Declared("a", "f5", Urgency.FIRST, "tts")) == []
    assert list(desk.slot("f5").leases) == ["a"]


def test_a_lease_that_is_declared_twice_is_held_once() -> None:
    desk = adopted(worker("f5"), worker("piper"))
    desk.do(ev.Declared("a", "f5", Urgency.FIRST))
    desk.do(ev.Declared("a", "piper", Urgency.FIRST))
    desk.do(ev.Released("a"))
    assert desk.slot("f5").idle
    assert desk.slot("piper").idle


def test_a_lease_of_a_worker_that_is_gone_is_revoked() -> None:
    desk = Desk(worker("f5"))
    assert desk.do(ev.Declared("a", "f5", Urgency.FIRST)) == [Revoke("a", "f5")]
    assert desk.do(ev.Declared("b", "nobody", Urgency.FIRST)) == [Revoke("b", "nobody")]


def test_nobody_is_sent_away_while_users_are_still_reconnecting() -> None:
    policy = replace(PLAIN, redeclare_grace_s=5.0, guest_share=0.5)
    desk = adopted(worker("old", 20, keep_alive_s=1), worker("new", 20), policy=policy)
    desk.do(ev.StopWanted("new", force=True))
    desk.gone("new")
    desk.do(ev.StartWanted("new", Eviction.ANY))
    desk.ask("a", "new", wait_s=30)
    desk.do(ev.GuestModeChanged("on"))
    desk.do(ev.StopWanted("old"))
    assert stops(desk.wait(4.9)) == []
    assert stops(desk.wait(0.1)) == ["old"]


def test_nor_for_a_start_that_ran_out_of_memory() -> None:
    desk = Desk(worker("old", 2), worker("new", 2), gpus={})
    desk.do(ev.Adopted("old", GPU))
    desk.sizes[GPU] = 24.0
    desk.see()
    desk.do(ev.StartWanted("new"))
    assert stops(desk.do(ev.StartFailed("new", "out-of-memory"))) == []


def test_a_declared_lease_protects_its_worker_when_the_grace_is_over() -> None:
    desk = adopted(worker("old", 20))
    desk.do(ev.Declared("a", "old", Urgency.IDLE))
    desk.do(ev.StopWanted("old"))
    assert stops(desk.wait(60)) == []
    assert stops(desk.do(ev.Released("a"))) == ["old"]


def test_a_force_waits_for_nobody() -> None:
    desk = adopted(worker("old", 20))
    assert stops(desk.do(ev.StopWanted("old", force=True))) == ["old"]


def test_what_fits_beside_is_started_meanwhile() -> None:
    desk = Desk(worker("old", 2), worker("new", 2, preload=True), gpus={})
    desk.do(ev.Adopted("old", GPU))
    desk.sizes[GPU] = 24.0
    assert starts(desk.see()) == ["new"]
