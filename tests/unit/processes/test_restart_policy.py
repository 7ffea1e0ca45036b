"""When to try again: the arithmetic, on the product's own numbers."""

from __future__ import annotations

import pytest

from avatar_appliance.processes.restart_policy import RestartHistory, RestartPolicy, Retry

COOL_DOWN = Retry(60.0, crash_loop=True)


def test_the_delay_doubles_up_to_its_limit() -> None:
    history = RestartHistory(RestartPolicy())
    delays = [history.after_failure(1000.0 * n, ready_s=0.0).delay_s for n in range(9)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_minute_of_being_ready_resets_the_delay_and_less_does_not() -> None:
    history = RestartHistory(RestartPolicy())
    history.after_failure(0.0, ready_s=0.0)
    assert history.after_failure(1000.0, ready_s=59.9).delay_s == 1.0
    assert history.after_failure(2000.0, ready_s=60.0).delay_s == 0.5


def test_the_fifth_failure_within_two_minutes_is_a_crash_loop() -> None:
    history = RestartHistory(RestartPolicy())
    assert not any(history.after_failure(30.0 * n, ready_s=0.0).crash_loop for n in range(4))
    assert history.after_failure(120.0, ready_s=0.0) == COOL_DOWN


def test_failures_further_apart_are_no_crash_loop() -> None:
    history = RestartHistory(RestartPolicy())
    assert not any(history.after_failure(30.1 * n, ready_s=0.0).crash_loop for n in range(50))


def test_after_a_crash_loop_there_is_one_try_for_each_cool_down_however_late_it_fails() -> None:
    history = RestartHistory(RestartPolicy())
    for _ in range(5):
        history.after_failure(0.0, ready_s=0.0)
    assert history.after_failure(1000.0, ready_s=0.0) == COOL_DOWN
    assert history.after_failure(2000.0, ready_s=59.0) == COOL_DOWN


def test_a_steady_life_ends_a_crash_loop() -> None:
    history = RestartHistory(RestartPolicy())
    for _ in range(5):
        history.after_failure(0.0, ready_s=0.0)
    assert history.after_failure(1000.0, ready_s=60.0) == Retry(0.5, crash_loop=False)


def test_a_crash_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="crash_limit"):
        RestartPolicy(crash_limit=0)
