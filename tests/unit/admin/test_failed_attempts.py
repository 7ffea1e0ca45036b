from __future__ import annotations

import pytest

from avatar_appliance.admin.failed_attempts import FailedAttempts


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _fail(attempts: FailedAttempts, address: str | None, times: int) -> None:
    for _ in range(times):
        attempts.add(address)


def test_a_burst_is_free_and_then_one_per_interval(clock: Clock) -> None:
    attempts = FailedAttempts(burst=3, interval_s=6, clock=clock)
    _fail(attempts, "192.0.2.1", 2)
    assert attempts.wait_s("192.0.2.1") == 0
    _fail(attempts, "192.0.2.1", 1)
    assert attempts.wait_s("192.0.2.1") == 6
    clock.now_s += 6
    assert attempts.wait_s("192.0.2.1") == 0
    _fail(attempts, "192.0.2.1", 1)
    assert attempts.wait_s("192.0.2.1") == 6


def test_patience_gives_the_whole_burst_back(clock: Clock) -> None:
    attempts = FailedAttempts(burst=3, interval_s=6, clock=clock)
    _fail(attempts, "192.0.2.1", 3)
    clock.now_s += 3 * 6
    _fail(attempts, "192.0.2.1", 2)
    assert attempts.wait_s("192.0.2.1") == 0


def test_others_do_not_pay(clock: Clock) -> None:
    attempts = FailedAttempts(burst=1, clock=clock)
    _fail(attempts, "192.0.2.1", 1)
    assert attempts.wait_s("192.0.2.2") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        (None, "", True),
    ],
)
def test_what_one_machine_owns_is_one_peer(clock: Clock, one: str | None, other: str | None, same: bool) -> None:
    attempts = FailedAttempts(burst=1, clock=clock)
    _fail(attempts, one, 1)
    assert (attempts.wait_s(other) > 0) is same


def test_memory_is_bounded_and_the_latest_failures_stay(clock: Clock) -> None:
    attempts = FailedAttempts(burst=1, max_peers=8, clock=clock)
    for number in range(100):
        attempts.add(f"192.0.2.{number}")
    assert attempts.peers == 8
    assert attempts.wait_s("192.0.2.99") > 0
    assert attempts.wait_s("192.0.2.0") == 0
