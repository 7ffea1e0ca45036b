"""Random houses under random traffic: what must hold after every event holds, and at rest nothing is stuck.

`SCHEDULER_HOUSES=5000 pytest -s FILE -k many_more` plays that many further houses.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .random_house import RandomHouse

EVENTS = 100_000
HOUSES = 60
FIRST_BURST = 1500


class Houses(RuleBasedStateMachine):
    """A house per example: a burst to fill it, then single things and further bursts, then rest."""

    events = 0

    @initialize(seed=st.integers(0, 10**9), swapped=st.booleans())
    def move_in(self, seed: int, swapped: bool) -> None:
        self.house = RandomHouse(seed, swapped=swapped)
        self.house.play(FIRST_BURST)

    @rule(events=st.integers(1, 400))
    def burst(self, events: int) -> None:
        self.house.play(events)

    @rule(duration_s=st.floats(0, 90))
    def pass_time(self, duration_s: float) -> None:
        self.house.pass_time(duration_s)

    @rule()
    def request(self) -> None:
        self.house.request()

    @rule()
    def cancel(self) -> None:
        self.house.cancel()

    @rule()
    def release(self) -> None:
        self.house.release()

    @rule()
    def change_urgency(self) -> None:
        self.house.change_urgency()

    @rule()
    def stranger_comes(self) -> None:
        self.house.stranger_comes()

    @rule()
    def stranger_leaves(self) -> None:
        self.house.stranger_leaves()

    @rule()
    def crash(self) -> None:
        self.house.crash()

    @rule()
    def person(self) -> None:
        self.house.person()

    @rule()
    def guest(self) -> None:
        self.house.guest()

    @rule()
    def stray(self) -> None:
        self.house.stray()

    @rule()
    def lose_device(self) -> None:
        self.house.lose_device()

    @rule()
    def restart(self) -> None:
        self.house.restart()

    def teardown(self) -> None:
        if hasattr(self, "house"):
            Houses.events += self.house.events
            self.house.come_to_rest()


def test_what_must_hold_holds_over_a_hundred_thousand_events(record_property: pytest.RecordProperty) -> None:
    Houses.events = 0
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Houses,
        settings=settings(
            max_examples=HOUSES,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record_property("events", Houses.events)
    print(f"{Houses.events} events, without those of coming to rest")
    assert Houses.events >= EVENTS


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("seed", [2, 7, 9, 17, 23, 26, 35, 49])
def test_houses_that_found_mistakes_before_stand(seed: int, swapped: bool) -> None:
    """Each told a scheduler with one mistake (a second start on a GPU, a victim in use, ...) from a sound one."""
    house = RandomHouse(seed, swapped=swapped)
    house.play(600)
    house.come_to_rest()


@pytest.mark.timeout(0)
def test_many_more_houses() -> None:
    for seed in range(10**6, 10**6 + int(os.environ.get("SCHEDULER_HOUSES", "3"))):
        house = RandomHouse(seed, swapped=bool(seed % 2))
        try:
            house.play(FIRST_BURST)
            house.come_to_rest()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
