"""When a worker is restarted, and when no more."""

from __future__ import annotations

from itertools import pairwise

from avatar_appliance.canary.listening import Miss
from avatar_appliance.canary.record import FIRST_REST_S, LONGEST_REST_S, CanaryRecord

DEAF = Miss(("ears",), "canary-failed", "wrong")


def test_one_miss_does_nothing_and_the_second_one_restarts() -> None:
    record = CanaryRecord()
    assert record.miss(DEAF, 100) is None
    assert record.problem is None
    assert record.miss(DEAF, 115) == "ears"
    assert record.problem is not None
    assert (record.problem.worker, record.problem.since) == ("ears", 100)


def test_a_success_between_two_misses_makes_them_two_first_ones() -> None:
    record = CanaryRecord()
    record.miss(DEAF, 0)
    record.success()
    assert record.miss(DEAF, 1) is None


def test_a_success_clears_the_problem() -> None:
    record = CanaryRecord()
    record.miss(DEAF, 0)
    record.miss(DEAF, 1)
    record.success()
    assert record.problem is None


def test_a_worker_that_stays_broken_is_restarted_less_and_less_often() -> None:
    record = CanaryRecord()
    at = [now_s for now_s in range(0, 7 * 24 * 3600, 300) if record.miss(DEAF, now_s)]
    gaps = [late - early for early, late in pairwise(at)]
    assert gaps[0] >= FIRST_REST_S
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST_REST_S
    assert record.problem is not None


def test_of_two_suspects_each_gets_its_turn() -> None:
    record, both = CanaryRecord(), Miss(("ears", "mouth"), "canary-failed", "wrong")
    told = [record.miss(both, now_s) for now_s in (0, 15, 30)]
    assert told == [None, "ears", "mouth"]
