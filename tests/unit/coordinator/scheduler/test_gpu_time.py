"""Rule 16: GPU time is a resource: later clauses and background work make way for somebody's first sound."""

from __future__ import annotations

import pytest

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Grant
from avatar_appliance.leases import Urgency

from .desk import Desk, cpu_worker, worker

TWO = {"cuda:0": 24.0, "cuda:1": 24.0}


def busy() -> Desk:
    """The LLM decodes somebody's first tokens, F5 is idle on the same GPU."""
    desk = Desk(worker("llm"), worker("f5"), worker("far", devices=("cuda:1",)), cpu_worker("piper"), gpus=TWO)
    desk.up("llm", "f5", "far", "piper")
    desk.lease("decode", "llm", Urgency.FIRST)
    return desk


@pytest.mark.parametrize("urgency", [Urgency.FINAL, Urgency.FIRST, Urgency.IDLE])
def test_the_urgent_and_the_idle_do_not_wait(urgency: Urgency) -> None:
    assert busy().ask("a", "f5", urgency=urgency) == [Grant("a", "f5")]


@pytest.mark.parametrize(("urgency", "bound_s"), [(Urgency.LATER, 0.3), (Urgency.BACKGROUND, 2.0)])
def test_others_make_way_for_a_bounded_time(urgency: Urgency, bound_s: float) -> None:
    desk = busy()
    assert desk.ask("a", "f5", urgency=urgency, wait_s=5) == []
    assert desk.wait(bound_s - 0.05) == []
    next_s = desk.scheduler.next_look_s(desk.now_s)
    assert next_s is not None
    assert desk.wait(next_s - desk.now_s) == [Grant("a", "f5")]
    assert desk.now_s == pytest.approx(1000 + bound_s)


def test_they_go_on_as_soon_as_the_hurry_is_over() -> None:
    desk = busy()
    desk.ask("a", "f5", urgency=Urgency.BACKGROUND)
    assert desk.do(ev.UrgencyChanged("decode", Urgency.LATER)) == [Grant("a", "f5")]


def test_the_end_of_an_urgent_lease_is_the_end_of_the_hurry() -> None:
    desk = busy()
    desk.ask("a", "f5", urgency=Urgency.LATER)
    assert desk.do(ev.Released("decode")) == [Grant("a", "f5")]


@pytest.mark.parametrize("elsewhere", ["far", "piper"])
def test_on_another_device_nobody_makes_way(elsewhere: str) -> None:
    assert busy().ask("a", elsewhere, urgency=Urgency.LATER) == [Grant("a", elsewhere)]


def test_making_way_ends_at_the_deadline() -> None:
    desk = busy()
    desk.ask("a", "f5", urgency=Urgency.BACKGROUND, wait_s=1.0)
    assert desk.wait(1.0) == [Grant("a", "f5")]
