"""Events in no sensible order: nothing is raised, and what must hold holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.lease_request import LeaseRequest
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency

from .desk import GIB, GPU, Desk, cpu_worker, gib, worker

NAMES = st.sampled_from(("llm", "f5", "piper", "far", "nobody"))
LEASES = st.sampled_from(tuple("abcdefgh"))
DEVICES = st.sampled_from((GPU, CPU, "cuda:7"))
BYTES = st.sampled_from((0, 1, GIB, 9 * GIB, 40 * GIB))
MAYBE_BYTES = st.none() | BYTES
FAILURES = st.sampled_from(("out-of-memory", "timeout", "crashed", "config", "unavailable"))
EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.just(ev.Tick()),
    st.builds(ev.Cancelled, LEASES),
    st.builds(ev.Released, LEASES),
    st.builds(ev.Declared, LEASES, NAMES, st.sampled_from(Urgency)),
    st.builds(ev.UrgencyChanged, LEASES, st.sampled_from(Urgency)),
    st.builds(
        ev.DeviceSeen,
        device=DEVICES,
        usable_bytes=BYTES,
        used_bytes=BYTES,
        own_bytes=st.dictionaries(NAMES, MAYBE_BYTES, max_size=3),
        foreign_names=st.frozensets(st.sampled_from(("game", "Xorg"))),
    ),
    st.builds(ev.DeviceLost, DEVICES),
    st.builds(ev.Started, NAMES, MAYBE_BYTES, MAYBE_BYTES, st.none() | st.floats(0, 100)),
    st.builds(ev.StartFailed, NAMES, FAILURES),
    st.builds(ev.Exited, NAMES),
    st.builds(ev.Stopped, NAMES),
    st.builds(ev.MemoryReturned, NAMES, BYTES),
    st.builds(ev.FellAsleep, NAMES, MAYBE_BYTES),
    st.builds(ev.SleepFailed, NAMES),
    st.builds(ev.Woke, NAMES),
    st.builds(ev.WakeFailed, NAMES, FAILURES),
    st.builds(ev.Adopted, NAMES, DEVICES, st.booleans(), MAYBE_BYTES),
    st.builds(ev.StartWanted, NAMES, st.sampled_from(Eviction)),
    st.builds(ev.StopWanted, NAMES, st.booleans()),
    st.builds(ev.SleepWanted, NAMES),
    st.builds(ev.PinChanged, NAMES, st.booleans()),
    st.builds(ev.GuestModeChanged, st.sampled_from(("on", "off", "auto")), st.none() | st.floats(0, 2000)),
    st.builds(
        LeaseRequest,
        lease_id=LEASES,
        ladder=st.lists(NAMES, max_size=3).map(tuple),
        urgency=st.sampled_from(Urgency),
        deadline_s=st.floats(900, 2000),
        warm=st.lists(NAMES, max_size=2).map(tuple),
    ).map(ev.Requested),
)


def scheduler() -> Scheduler:
    return Scheduler(
        [
            worker("llm", 8, 9, can_sleep=True, sleep_bytes=gib(1), host_bytes=GIB, preload=True),
            worker("f5", 0, keep_alive_s=5.0),
            cpu_worker("piper", 1),
            WorkerSpec(name="far", role="llm", external=True),
        ]
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(EVENTS, st.floats(0, 30)), max_size=60))
def test_nothing_is_raised_and_the_books_are_kept(happened: list[tuple[Any, float]]) -> None:
    subject, now_s = scheduler(), 1000.0
    for event, later_s in happened:
        now_s += later_s
        in_use = {request.lease_id for request, _ in subject.waiting()}
        in_use.update(lease_id for slot in subject.slots.values() for lease_id in slot.leases)
        if isinstance(event, ev.Requested) and event.request.lease_id in in_use:
            continue
        subject.handle(event, now_s)
        for slot in subject.slots.values():
            assert not slot.leases or slot.state is SlotState.READY
            assert (slot.device is None) == (slot.spec.external or slot.state in (SlotState.STOPPED, SlotState.FAILED))
        for account in subject.accounts.values():
            assert account.charged_bytes == sum(account.charges.values())
            assert all(subject.slots[name].device is not None for name in account.charges)
        assert all(request.deadline_s > now_s for request, _ in subject.waiting())


@pytest.mark.parametrize(
    "late",
    [
        ev.Started("f5", GIB),
        ev.StartFailed("f5", "crashed"),
        ev.Woke("f5"),
        ev.WakeFailed("f5", "out-of-memory"),
        ev.FellAsleep("f5", GIB),
        ev.SleepFailed("f5"),
        ev.Stopped("f5"),
        ev.MemoryReturned("f5", GIB),
        ev.Adopted("f5", GPU, rest_bytes=20 * GIB),
        ev.Released("nobody"),
        ev.Cancelled("nobody"),
        ev.UrgencyChanged("nobody", Urgency.FINAL),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_late_event_changes_nothing_for_a_ready_worker(late: ev.Event) -> None:
    desk = Desk(worker("f5", 2))
    desk.up("f5")
    desk.lease("a", "f5")
    assert desk.do(late) == []
    assert desk.state("f5") is SlotState.READY
    assert desk.charge("f5") == gib(2)
    assert list(desk.slot("f5").leases) == ["a"]


@pytest.mark.parametrize("kind", [ev.Started, ev.Exited, ev.Stopped, ev.MemoryReturned, ev.Woke, ev.StartWanted])
def test_unknown_workers_are_nobodys_business(kind: Any) -> None:
    assert Desk(worker("f5")).do(kind("nobody")) == []


def test_a_device_nobody_uses_is_accounted_for_all_the_same() -> None:
    desk = Desk(worker("f5"))
    desk.sizes["cuda:7"] = 8.0
    assert desk.do(ev.DeviceSeen(device="cuda:7", usable_bytes=8 * GIB, used_bytes=GIB, own_bytes={"f5": 1})) == []
    assert desk.account("cuda:7").foreign_bytes == GIB - 1 or desk.account("cuda:7").foreign_bytes == GIB
    assert desk.do(ev.DeviceLost("cuda:9")) == []
