"""Percentiles and paired ratios."""

from __future__ import annotations

import pytest

from avatar_appliance.bench.summary import paired_ratio, summarise


def test_a_summary_has_median_p95_and_extremes() -> None:
    summary = summarise([float(n) for n in range(100, -1, -1)])
    assert (summary.count, summary.median, summary.p95, summary.minimum, summary.maximum) == (101, 50, 95, 0, 100)


def test_a_percentile_between_two_values_is_interpolated() -> None:
    assert summarise([10.0, 20.0]).p95 == pytest.approx(19.5)


def test_one_value_is_everything_at_once() -> None:
    summary = summarise([7.0])
    assert (summary.median, summary.p95, summary.minimum, summary.maximum) == (7, 7, 7, 7)


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        summarise([])


def test_the_ratio_is_taken_pair_by_pair() -> None:
    # The machine was three times slower in the second pair; ours took 10 % more in each.
    paired = paired_ratio([(110, 100), (330, 300), (55, 50)])
    assert paired.ratio == pytest.approx(1.1)
    assert paired.difference == pytest.approx(10)
    assert paired.pairs == 3


def test_one_disturbed_pair_does_not_move_the_ratio() -> None:
    pairs = [(100.0, 100.0)] * 8 + [(5000.0, 100.0)]
    assert paired_ratio(pairs).ratio == 1.0


@pytest.mark.parametrize(("count", "rank"), [(6, 1), (9, 2), (15, 4), (20, 6)])
def test_the_bounds_are_the_order_statistics_of_the_sign_test(count: int, rank: int) -> None:
    # Ranks from the published tables of the distribution-free 95 % interval for the median.
    pairs = [(float(n), 1.0) for n in range(1, count + 1)]
    paired = paired_ratio(pairs)
    assert (paired.ratio_low, paired.ratio_high) == (rank, count + 1 - rank)


def test_five_pairs_are_too_few_for_bounds() -> None:
    paired = paired_ratio([(1.0, 1.0)] * 5)
    assert (paired.ratio_low, paired.ratio_high) == (None, None)


def test_no_pair_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pair"):
        paired_ratio([])


def test_a_duration_of_zero_is_an_error() -> None:
    with pytest.raises(ValueError, match="positive"):
        paired_ratio([(1.0, 0.0)])
